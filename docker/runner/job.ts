/** One job from its claim to its record. */

import { hostname } from 'node:os';
import { RUNNER_EXIT } from '../../core/engine/exit-codes.ts';
import { lookAt, withSeen } from '../../core/engine/looking.ts';
import { putLarge, ValueGone } from '../../core/engine/objects.ts';
import type { Attempts, Files, Objects, Outcome, TaskResult } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { outOfMemoryKills, outOfMemoryKillsInContainer } from '../../core/proc.ts';
import { openLeavesOf, spill } from '../../core/values/contents.ts';
import { SCRIPT_TASK } from '../../core/values/program.ts';
import type { Table } from '../../core/values/table.ts';
import { messageOf } from '../../core/values/thrown.ts';
import { failureValue, JobFailure } from './failures.ts';
import type { Lifetime } from './lifetime.ts';
import { watchUsage } from './processes.ts';
import { type JobResult, withoutSecrets } from './result.ts';
import { runScript, type ScriptJob, type ScriptMeasured } from './script.ts';
import type { JobSecrets } from './secrets.ts';

/** What the executor is told by the runner's exit code. */
export const EXIT = { recorded: 0, failed: 1, refused: RUNNER_EXIT.refused, killed: 137 } as const;

/** What a job works with. */
export interface JobContext {
  readonly objects: Objects;
  readonly attempts: Attempts;
  readonly files: Files;
  readonly places: Pick<ScriptJob, 'stores' | 'work' | 'machine' | 'output'>;
  readonly secrets: JobSecrets;
  /** The executor's name of this job. */
  readonly holder: string;
  /** Calls a task's function. */
  readonly call: (spec: JobSpec, args: Table) => Promise<TaskResult>;
  readonly loadArgs: (spec: JobSpec) => Promise<Table>;
  readonly log: (line: string) => void;
}

/** Gives the exit code. Rejects on trouble that is not the job's, and when the job is told to end: nothing is recorded then. */
export async function runJob(context: JobContext, spec: JobSpec, lifetime: Lifetime): Promise<number> {
  const { attempts, holder, log } = context;
  const token = [spec.run, spec.eval, spec.attempt, holder] as const;
  if ((await attempts.claim(...token)) === 'refused') {
    log(`attempt ${spec.attempt} of ${spec.task} is not for this job to do`);
    return EXIT.refused;
  }
  const startedAt = Date.now();
  const measured: ScriptMeasured = { stagedInBytes: 0, stagedOutBytes: 0 };
  const killsBefore = memoryKills();
  const stillOurs = (): Promise<boolean> =>
    attempts.holds(...token).catch((cause: unknown) => {
      throw new StoreTrouble('the claim could not be looked at', { cause });
    });
  const result = await work(context, spec, lifetime, measured, stillOurs);
  lifetime.signal.throwIfAborted();
  if (result === 'lost') {
    log(`attempt ${spec.attempt} of ${spec.task} was taken over or cancelled: nothing is kept of it`);
    return EXIT.refused;
  }
  const shown = withoutSecrets(context.secrets, spec.task, result);
  // A kill for want of memory is for the executor to tell, which then gives the next attempt more.
  if (!result.ok && measured.exitCode === EXIT.killed && memoryKills() > killsBefore) return EXIT.killed;
  const { usage, ...staged } = measured;
  const outcome: Outcome = {
    ...shown,
    measured: { startedAt, endedAt: Date.now(), ...usage, ...staged, host: hostname() },
  };
  if ((await record(context, token, outcome)) === 'refused') return EXIT.refused;
  return outcome.ok ? EXIT.recorded : EXIT.failed;
}

/** Says nothing of the job's work: the job ends without a record and is tried again. */
class StoreTrouble extends Error {}

async function work(
  context: JobContext,
  spec: JobSpec,
  lifetime: Lifetime,
  measured: ScriptMeasured,
  stillOurs: () => Promise<boolean>,
): Promise<JobResult | 'lost'> {
  const args = await loadedArgs(context, spec);
  lifetime.signal.throwIfAborted();
  if ('error' in args) return { ok: false, error: args.error };
  try {
    if (context.secrets.problem !== undefined) throw new JobFailure('SecretError', context.secrets.problem);
    if (spec.task === SCRIPT_TASK) {
      const name = `${spec.eval.slice(0, 12)}-${spec.attempt}`;
      const value = await runScript(args.table, {
        ...context.places,
        secrets: context.secrets,
        id: context.holder,
        name,
        lifetime,
        measured,
        stillOurs,
        log: context.log,
      });
      return value === 'lost' ? 'lost' : { ok: true, expression: value };
    }
    const usage = watchUsage(lifetime.processes);
    const result = await Promise.race([context.call(spec, args.table), aborted(lifetime.signal)]);
    measured.usage = usage();
    if (!(await stillOurs())) return 'lost';
    const seen = result.ok ? await observed(context.files, result.table, spec.web) : result;
    return seen.ok ? { ok: true, expression: seen.table } : seen;
  } catch (thrown) {
    if (lifetime.signal.aborted || thrown instanceof StoreTrouble) throw thrown;
    const error = failureValue(spec.task, thrown);
    context.log(`failed: ${messageOf(thrown)}`);
    return { ok: false, error };
  }
}

/** A value that the store has lost is the job's own failure: no other machine would find it. */
async function loadedArgs(context: JobContext, spec: JobSpec): Promise<{ table: Table } | { error: Table }> {
  try {
    return { table: await context.loadArgs(spec) };
  } catch (thrown) {
    if (!(thrown instanceof ValueGone)) throw thrown;
    return { error: failureValue(spec.task, thrown) };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Files that the function only named are looked at now: its result is what they are when it returns. */
async function observed(files: Files, table: Table, web: JobSpec['web']): Promise<TaskResult> {
  return withSeen(table, await lookAt(files, openLeavesOf(table).files, web));
}

async function record(
  { attempts, objects }: JobContext,
  token: readonly [JobSpec['run'], JobSpec['eval'], number, string],
  outcome: Outcome,
): Promise<'recorded' | 'refused'> {
  const { table, large } = spill(outcome.ok ? outcome.expression : outcome.error);
  await putLarge(objects, large);
  return await attempts.finish(...token, outcome.ok ? { ...outcome, expression: table } : { ...outcome, error: table });
}

/** How often something here was killed for want of memory: of the container where there is one, else of the machine. */
function memoryKills(): number {
  return outOfMemoryKillsInContainer() ?? outOfMemoryKills() ?? 0;
}
