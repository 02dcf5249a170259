/** `redex local`. */
import { once } from 'node:events';
import { deployBundle } from '../../core/engine/deployed.ts';
import type { Objects } from '../../core/engine/ports.ts';
import { storeBundle } from '../../core/host/bundle.ts';
import { EXIT } from '../exit.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { bundleProject } from '../project.ts';
import { openLocal } from '../session/open.ts';
import { holdAll, runsUnderWay } from '../session/others.ts';
import { withAdvice } from '../trouble.ts';
import { UsageError } from '../usage-error.ts';

/** Keeps the cloud up until Ctrl-C, with all unfinished runs in it but those that were stopped. Gives the exit code. */
export async function localCommand(root: string): Promise<number> {
  const interrupt = listenForInterrupt();
  const warn = (message: string) => process.stderr.write(`redex: ${withAdvice(message)}\n`);
  const { client, cloud, objects } = await openLocal(root, warn);
  try {
    if (!cloud.owner) throw new UsageError(`process ${cloud.pid} keeps the local cloud up already`);
    const active = await runsUnderWay(client, cloud);
    for (const { run } of active) await cloud.release(run);
    await deployHere(root, objects).catch((error: Error) => warn(`its API starts nothing yet: ${error.message}`));
    process.stderr.write(
      `redex: the local cloud is up, with ${active.length} unfinished runs. Ctrl-C ends it and stops them.\n` +
        `redex: its API, as of functions/openapi.json, for who knows this address: ${cloud.apiUrl}\n`,
    );
    await Promise.race([cloud.closed, once(interrupt.signal, 'abort')]);
    if (interrupt.signal.aborted) await holdAll(client, cloud);
    return EXIT.done;
  } finally {
    await cloud.close();
    interrupt.end();
  }
}

/** What is asked for by the API is made of the project's workflows as they are now. */
async function deployHere(root: string, objects: Objects): Promise<void> {
  const bundle = await bundleProject(root, [], undefined);
  await storeBundle(objects, bundle);
  await deployBundle(objects, bundle.hash);
}
