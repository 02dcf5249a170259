/** The runs of a cloud, whoever follows them. */
import type { Cloud } from '../../local/cloud.ts';
import { type Client, listRuns } from '../client.ts';
import { isOver } from '../watch.ts';

/** Who ends a cloud by Ctrl-C stops all runs in it; those that have a command of their own are taken up again by that. */
export async function holdAll(client: Client, cloud: Cloud): Promise<void> {
  for (const { run } of await listRuns(client, { status: 'RUNNING' })) cloud.hold(run);
}

/** Runs that are not over and not stopped, the newest first. */
export async function runsUnderWay(client: Client, { isHeld }: Pick<Cloud, 'isHeld'>) {
  const [running, cancelling] = await Promise.all([
    listRuns(client, { status: 'RUNNING' }),
    listRuns(client, { status: 'CANCELLING' }),
  ]);
  return [...running, ...cancelling].filter((summary) => !isOver(summary) && !isHeld(summary.run));
}
