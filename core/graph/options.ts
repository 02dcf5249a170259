/** A job's options: executor configuration < task < call. */
import { decode } from '../values/decode.ts';
import { INLINE_EXECUTOR, type JobOptions, type Program } from '../values/program.ts';
import type { Table } from '../values/table.ts';

export type Resolved =
  | { readonly ok: true; readonly options: JobOptions; readonly context: Readonly<Record<string, unknown>> | undefined }
  | { readonly ok: false; readonly reason: string };

const CHECKS: Readonly<Record<string, readonly [(value: unknown) => boolean, string]>> = {
  executor: [isText, 'the name of an executor'],
  memory: [isPositive, 'a positive number of GiB'],
  memoryMax: [isPositive, 'a positive number of GiB'],
  vcpus: [isPositive, 'a positive number'],
  gpus: [isCount, 'a whole number'],
  image: [isText, 'text'],
  queue: [isText, 'text'],
  role: [isText, 'text'],
  timeoutSeconds: [isPositive, 'a positive number of seconds'],
  attempts: [isRecord, 'a record of counts by cause'],
  cache: [isBoolean, 'true or false'],
  cacheScope: [(value) => value === 'any' || value === 'none', "'any' or 'none'"],
  limits: [isRecord, 'a record of amounts by limit'],
  minArraySize: [isCount, 'a whole number'],
  tags: [isRecord, 'a record of texts'],
  effects: [isBoolean, 'true or false'],
  context: [isRecord, 'a record'],
};

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}
function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
function isPositive(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}
function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The options of one call of a task of the program; a wrong one is a reason for the job to fail. */
export function resolveOptions(program: Program, task: JobOptions, call: Table | undefined): Resolved {
  const given = call ? plainRecord(call) : {};
  if (!given) return { ok: false, reason: 'options are a record of plain values' };
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    if (!check)
      return { ok: false, reason: `there is no option '${name}'; there are ${Object.keys(CHECKS).join(', ')}` };
    if (value !== undefined && !check[0](value))
      return { ok: false, reason: `the option '${name}' must be ${check[1]}` };
  }
  const { context, ...options } = definedOnly(given) as JobOptions & { context?: Record<string, unknown> };
  const executor = options.executor ?? task.executor ?? INLINE_EXECUTOR;
  const config = Object.hasOwn(program.executors, executor) ? program.executors[executor] : undefined;
  if (!config && executor !== INLINE_EXECUTOR) {
    const known = [...new Set([INLINE_EXECUTOR, ...Object.keys(program.executors)])].join(', ');
    return { ok: false, reason: `there is no executor '${executor}'; redex.config.ts has ${known}` };
  }
  const { type: _type, scratch: _scratch, shareIdentifier: _share, platform: _platform, ...defaults } = config ?? {};
  const resolved = { ...defaults, ...definedOnly(task), ...options, executor } as JobOptions;
  const unfit = unfitLimit(program, resolved);
  return unfit ? { ok: false, reason: unfit } : { ok: true, options: resolved, context };
}

/** What would wait for room for ever is told at once. */
function unfitLimit(program: Program, { limits = {} }: JobOptions): string | undefined {
  for (const [name, amount] of Object.entries(limits)) {
    if (!(typeof amount === 'number' && amount >= 0)) return `what it takes of the limit '${name}' must be a number`;
    const most = Object.hasOwn(program.limits, name) ? program.limits[name] : undefined;
    if (most !== undefined && amount > most)
      return `it takes ${amount} of the limit '${name}', which is ${most} in all`;
  }
  return undefined;
}

function plainRecord(table: Table): Record<string, unknown> | undefined {
  const refuse = () => {
    throw new TypeError('not a plain value');
  };
  try {
    const value = decode(table, { task: refuse, expression: refuse });
    return isRecord(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function definedOnly(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
