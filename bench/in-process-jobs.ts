/** Jobs without a process: as the runner they read their spec, claim their work and record a result, within a millisecond. */
import { folderAttempts } from '../core/disk/attempts.ts';
import { folderObjects } from '../core/disk/objects.ts';
import { readSpec } from '../core/engine/manifest.ts';
import type { Attempts, Objects } from '../core/engine/ports.ts';
import { runnerSettings } from '../core/environment.ts';
import { encode } from '../core/values/encode.ts';
import type { Table } from '../core/values/table.ts';
import { EXIT } from '../docker/runner/job.ts';
import type { Exit, StartExecution } from '../local/batch/execution.ts';

interface JobPorts {
  readonly objects: Objects;
  readonly attempts: Attempts;
}

export interface InProcessJobs {
  /** Where specs and attempts are, if not in the folder that the jobs are told of. */
  readonly ports?: () => JobPorts;
  /** A job waits for this before it does anything. */
  readonly turn?: () => Promise<void>;
  /** Is told of each job that has recorded its result. */
  readonly done?: () => void;
  /** What the script `echo WORD` writes. Another than the word is a wrong result. */
  readonly echo?: (word: string) => string;
}

export function startInProcess(jobs: InProcessJobs = {}): StartExecution {
  return (launch) => {
    const ended = perform(launch.variables, jobs).catch((error: unknown): Exit => {
      process.stderr.write(`${String(error)}\n`);
      return { exitCode: EXIT.failed };
    });
    return Promise.resolve({ pid: 0, ended, stop: () => undefined, kill: () => undefined });
  };
}

async function perform(variables: NodeJS.ProcessEnv, jobs: InProcessJobs): Promise<Exit> {
  await jobs.turn?.();
  const { store, spec: key, arrayIndex, jobId } = runnerSettings(variables);
  const { objects, attempts } = jobs.ports?.() ?? portsIn(store);
  const spec = await readSpec(objects, key, arrayIndex ?? 0);
  const token = [spec.run, spec.eval, spec.attempt, jobId] as const;
  if ((await attempts.claim(...token)) === 'refused') return { exitCode: EXIT.refused };
  const { echo = (word: string) => word } = jobs;
  const expression = encode(`${echo(wordEchoed(spec.args))}\n`);
  const recorded = await attempts.finish(...token, { ok: true, expression, measured: {} });
  jobs.done?.();
  return { exitCode: recorded === 'recorded' ? EXIT.recorded : EXIT.refused };
}

function portsIn(store: ReturnType<typeof runnerSettings>['store']): JobPorts {
  if (store.kind !== 'folder') throw new Error('jobs on a folder alone have their ports from it');
  return { objects: folderObjects(store.path), attempts: folderAttempts(store.path) };
}

function wordEchoed(args: Table): string {
  const text = args.find((node): node is string => typeof node === 'string' && node.startsWith('echo '));
  if (text === undefined) throw new Error('these jobs know no script but echo');
  return text.slice('echo '.length).trimEnd();
}
