/** A job's options: executor configuration < task < call. */

import { isRecord } from '../values/guards.ts';
import { didYouMean } from '../values/nearest.ts';
import { CALL_OPTIONS, memoryProblem, optionProblem, splitConfig } from '../values/options.ts';
import { plainValue } from '../values/plain.ts';
import { INLINE_EXECUTOR, type JobOptions, type Program, type ProgramExecutor } from '../values/program.ts';
import type { Table } from '../values/table.ts';

export type ResolvedOptions =
  | { readonly ok: true; readonly options: JobOptions; readonly context: Readonly<Record<string, unknown>> | undefined }
  | { readonly ok: false; readonly reason: string };

/** What a call gives, once it was checked. */
type CallGiven = JobOptions & { readonly context?: Readonly<Record<string, unknown>> };

/** Options of calls that give none themselves are the same for all calls of a task. */
const withoutOwn = new WeakMap<Program, Map<string, ResolvedOptions>>();

/** The options of one call of a task of the program; a wrong one is a reason for the job to fail. */
export function resolveOptions(program: Program, task: string, call: Table | undefined): ResolvedOptions {
  const options = program.tasks[task]?.options ?? {};
  if (call) return resolve(program, options, call);
  const known = withoutOwn.get(program) ?? new Map<string, ResolvedOptions>();
  const resolved = known.get(task) ?? resolve(program, options, undefined);
  withoutOwn.set(program, known.set(task, resolved));
  return resolved;
}

function resolve(program: Program, task: JobOptions, call: Table | undefined): ResolvedOptions {
  const given = call ? plainRecord(call) : {};
  if (!given) return { ok: false, reason: 'options are a record of plain values' };
  const problem = optionProblem(given, CALL_OPTIONS);
  if (problem !== undefined) return { ok: false, reason: problem };
  const { context, ...options } = definedOnly(given as CallGiven);
  const executor = options.executor ?? task.executor ?? INLINE_EXECUTOR;
  const config = Object.hasOwn(program.executors, executor) ? program.executors[executor] : undefined;
  if (!config && executor !== INLINE_EXECUTOR) {
    const known = [...new Set([INLINE_EXECUTOR, ...Object.keys(program.executors)])];
    const advice = `; redex.config.ts has ${known.join(', ')}${didYouMean(executor, known)}`;
    return { ok: false, reason: `there is no executor '${executor}'${advice}` };
  }
  const defaults = config && splitConfig(config).defaults;
  const resolved: JobOptions = { ...defaults, ...definedOnly(task), ...options, executor };
  const unfit = memoryProblem(resolved) ?? unfitLimit(program, resolved) ?? unfitSecrets(config?.type, resolved);
  return unfit ? { ok: false, reason: unfit } : { ok: true, options: resolved, context };
}

/** What would wait for room for ever is told at once. */
function unfitLimit(program: Program, { limits = {} }: JobOptions): string | undefined {
  for (const [name, amount] of Object.entries(limits)) {
    const most = Object.hasOwn(program.limits, name) ? program.limits[name] : undefined;
    if (most !== undefined && amount > most)
      return `it takes ${amount} of the limit '${name}', which is ${most} in all`;
  }
  return undefined;
}

function unfitSecrets(
  type: ProgramExecutor['type'] | undefined,
  { executor, secrets = {} }: JobOptions,
): string | undefined {
  if ((type ?? 'inline') !== 'inline' || Object.keys(secrets).length === 0) return undefined;
  return `secrets are for jobs, and the executor '${executor}' runs none: name one of the type 'batch'`;
}

function plainRecord(table: Table): Record<string, unknown> | undefined {
  try {
    const value = plainValue(table, 'options are');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Without what is given as undefined: that is as good as not given. */
function definedOnly<T extends object>(record: T): T {
  const defined = { ...record };
  for (const name in defined) if (defined[name] === undefined) delete defined[name];
  return defined;
}
