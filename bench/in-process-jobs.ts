/** Jobs without a process: as the runner they read their spec, claim their work and record a result, within a millisecond. */
import { folderAttempts } from '../core/disk/attempts.ts';
import { folderObjects } from '../core/disk/objects.ts';
import { readSpec } from '../core/engine/manifest.ts';
import { runnerSettings } from '../core/environment.ts';
import { encode } from '../core/values/encode.ts';
import type { Table } from '../core/values/table.ts';
import { EXIT } from '../docker/runner/job.ts';
import type { Exit, StartExecution } from '../local/batch/execution.ts';

export const startInProcess: StartExecution = (launch) => {
  const ended = perform(launch.variables).catch((error: unknown): Exit => {
    process.stderr.write(`${String(error)}\n`);
    return { exitCode: EXIT.failed };
  });
  return Promise.resolve({ pid: 0, ended, stop: () => undefined, kill: () => undefined });
};

async function perform(variables: NodeJS.ProcessEnv): Promise<Exit> {
  const { store, spec: key, arrayIndex = 0, jobId } = runnerSettings(variables);
  if (store.kind !== 'folder') throw new Error('these jobs run on a local cloud only');
  const attempts = folderAttempts(store.path);
  const spec = await readSpec(folderObjects(store.path), key, arrayIndex);
  const token = [spec.run, spec.eval, spec.attempt, jobId] as const;
  if ((await attempts.claim(...token)) === 'refused') return { exitCode: EXIT.refused };
  const expression = encode(`${wordEchoed(spec.args)}\n`);
  const recorded = await attempts.finish(...token, { ok: true, expression, measured: {} });
  return { exitCode: recorded === 'recorded' ? EXIT.recorded : EXIT.refused };
}

/** What the script `echo WORD` writes. */
function wordEchoed(args: Table): string {
  const text = args.find((node): node is string => typeof node === 'string' && node.startsWith('echo '));
  if (text === undefined) throw new Error('these jobs know no script but echo');
  return text.slice('echo '.length);
}
