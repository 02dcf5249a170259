/** What options are and may be: one table, and one check for those of tasks, of redex.config.ts and of calls. */
import { CAUSES } from './causes.ts';
import { keysOf } from './json.ts';
import { didYouMean } from './nearest.ts';
import {
  EXECUTOR_KINDS,
  type ExecutorConfig,
  type ExecutorPlace,
  type JobOptions,
  type ProgramExecutor,
  type WebSettings,
} from './program.ts';
import { isSecretSource, isVariableName } from './secrets.ts';

/** What is wrong with the value at a path, if anything. */
type OptionCheck = (value: unknown, path: string) => string | undefined;

/** Checks by name of a record's fields. */
export type OptionFields = Readonly<Record<string, OptionCheck>>;

/** Every name of T has its check: an option cannot be added without one. */
type FieldsOf<T> = { readonly [K in keyof Required<T>]: OptionCheck };

const boolean = must('be true or false', (value) => typeof value === 'boolean');
const text = must('be a text that is not empty', (value) => typeof value === 'string' && value !== '');
const anyText = must('be a text', (value) => typeof value === 'string');
const plainRecord = must('be a record', isRecord);
const positive = must('be a positive number', isPositive);
const gibibytes = must('be a positive number of GiB', isPositive);
const seconds = must('be a positive number of seconds', isPositive);
const count = must('be a whole number, 0 or more', (value) => isAmount(value) && Number.isInteger(value));
const amount = must('be a number, 0 or more', isAmount);

const ATTEMPTS: OptionFields = Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, count]));

const AMOUNTS = recordOf(amount);

/** What is wrong is not shown: it may be the secret itself. */
const secret: OptionCheck = (value, path) =>
  isSecretSource(value)
    ? undefined
    : `${named(path)} must say where the secret is: { env: 'VARIABLE' }, { file: 'path' }, or an ARN of Secrets Manager or SSM`;

const noVariable: OptionCheck = (_value, path) =>
  `${named(path)} must be called like an environment variable: letters, digits and _`;

const SECRETS: OptionCheck = (value, path) =>
  fieldProblem(value, path, (name) => (isVariableName(name) ? secret : noVariable));

/** What is to be known of an option beside its meaning. An executor is told of it once for all jobs of an array. */
type OptionTraits<K> = {
  readonly check: OptionCheck;
  /** Whether an executor's configuration has it, as the default of its jobs. */
  readonly isOfExecutor: K extends keyof ExecutorConfig ? true : false;
  /** Its value is in the hash of a script's evaluation: bare, as only one option can be; a second needs its name there. */
  readonly isHashed: boolean;
  /** Whether a call may give it lazily. */
  readonly isLazy: boolean;
} & (
  | { readonly isTold: true; readonly inArray: 'alike' }
  | { readonly isTold: false; readonly inArray: 'alike' | 'any' }
);

/** Of most options that executors are told of. */
const TOLD = { isOfExecutor: true, isHashed: false, isLazy: true, isTold: true, inArray: 'alike' } as const;
/** Of most that are the engine's. */
const KEPT = { isOfExecutor: true, isHashed: false, isLazy: true, isTold: false, inArray: 'any' } as const;

const OPTIONS = {
  executor: { ...KEPT, check: text, isOfExecutor: false, inArray: 'alike' },
  memory: { ...TOLD, check: gibibytes },
  memoryMax: { ...KEPT, check: gibibytes },
  vcpus: { ...TOLD, check: positive },
  gpus: { ...TOLD, check: count },
  image: { ...TOLD, check: text, isHashed: true },
  queue: { ...TOLD, check: text },
  fallbackQueue: { ...KEPT, check: text },
  role: { ...TOLD, check: text },
  timeoutSeconds: { ...TOLD, check: seconds },
  attempts: { ...KEPT, check: recordWith(ATTEMPTS) },
  cache: { ...KEPT, check: boolean },
  cacheScope: { ...KEPT, check: oneOf('any', 'none') },
  limits: { ...KEPT, check: AMOUNTS, isOfExecutor: false },
  minArraySize: { ...KEPT, check: count },
  tags: { ...TOLD, check: recordOf(anyText), isOfExecutor: false },
  secrets: { ...TOLD, check: SECRETS },
  effects: { ...KEPT, check: boolean },
} as const satisfies { readonly [K in keyof Required<JobOptions>]: OptionTraits<K> };

type OptionName = keyof typeof OPTIONS;

/** Options that a call may give lazily. */
export type LazyOption = { [K in OptionName]: (typeof OPTIONS)[K]['isLazy'] extends true ? K : never }[OptionName];

/** Options that executors are told of. */
export type ToldOption = { [K in OptionName]: (typeof OPTIONS)[K]['isTold'] extends true ? K : never }[OptionName];

const OPTION_NAMES: readonly OptionName[] = keysOf(OPTIONS);
const ALIKE = OPTION_NAMES.filter((name) => OPTIONS[name].inArray === 'alike');
const HASHED = OPTION_NAMES.filter((name) => OPTIONS[name].isHashed);
const TOLD_NAMES = OPTION_NAMES.filter((name): name is ToldOption => OPTIONS[name].isTold);

/** What jobs must have in common to be submitted as one array: all that a request can say only once for all of them. */
export function arrayKey(options: JobOptions): string {
  return JSON.stringify(ALIKE.map((name) => options[name]));
}

/** What of a script's options is in the hash of its evaluation. */
export function hashedValues(options: JobOptions): unknown[] {
  return HASHED.flatMap((name) => options[name] || []);
}

/** What an executor is told. */
export function toldOptions(options: JobOptions): Pick<JobOptions, ToldOption> {
  return Object.fromEntries(TOLD_NAMES.flatMap((name) => (name in options ? [[name, options[name]]] : [])));
}

/** The checks of the options that are wanted. */
function checksOf<K extends OptionName>(isWanted: (name: OptionName) => boolean): { readonly [N in K]: OptionCheck } {
  const wanted = OPTION_NAMES.filter(isWanted).map((name) => [name, OPTIONS[name].check]);
  return Object.fromEntries(wanted);
}

/** Of a task. */
export const JOB_OPTIONS: FieldsOf<JobOptions> = checksOf(() => true);

/** Of a call. */
export const CALL_OPTIONS: OptionFields = { ...JOB_OPTIONS, context: plainRecord };

const DEFAULTS: FieldsOf<Omit<ExecutorConfig, 'type' | keyof ExecutorPlace>> = checksOf(
  (name) => OPTIONS[name].isOfExecutor,
);

const EXECUTOR_PLACE: FieldsOf<ExecutorPlace> = {
  scratch: must('be like s3://bucket/prefix/', isS3Prefix),
  shareIdentifier: text,
  platform: oneOf('EC2', 'FARGATE'),
  executionRole: text,
  publicIp: boolean,
  disk: must('be a number of GiB from 21 to 200', isFargateDisk),
  architecture: oneOf('arm64', 'x86_64'),
  runnerImage: text,
};

const EXECUTOR_CONFIG: FieldsOf<ExecutorConfig> = {
  ...DEFAULTS,
  ...EXECUTOR_PLACE,
  type: oneOf(...EXECUTOR_KINDS, 'inline'),
};

/** What a configuration says of its jobs' options, and what it says of itself. */
export function splitConfig({ type: _type, ...config }: ProgramExecutor): {
  defaults: JobOptions;
  place: ExecutorPlace;
} {
  const entries = Object.entries(config);
  const isOfPlace = (name: string): boolean => Object.hasOwn(EXECUTOR_PLACE, name);
  return {
    defaults: Object.fromEntries(entries.filter(([name]) => !isOfPlace(name))),
    place: Object.fromEntries(entries.filter(([name, value]) => isOfPlace(name) && value !== undefined)),
  };
}

const place = must('be a host, an address, or a network as 10.0.0.0/8', isPlace);

const WEB: FieldsOf<WebSettings> = { privateRedirects: listOf(place) };

const SETTINGS: OptionFields = {
  executors: recordOf(recordWith(EXECUTOR_CONFIG)),
  limits: AMOUNTS,
  context: plainRecord,
  web: recordWith(WEB),
};

/** Of redex.config.ts. */
export const CONFIG: OptionFields = { ...SETTINGS, profiles: recordOf(recordWith(SETTINGS)) };

/** What is wrong with a record of options, in one sentence that names the option by its path; undefined when all is well. */
export function optionProblem(options: unknown, fields: OptionFields): string | undefined {
  return recordWith(fields)(options, '');
}

function must(be: string, holds: (value: unknown) => boolean): OptionCheck {
  return (value, path) => (holds(value) ? undefined : `${named(path)} must ${be}, and is ${shown(value)}`);
}

function oneOf(...values: readonly string[]): OptionCheck {
  const known = values.map((value) => `'${value}'`).join(' or ');
  return (value, path) => {
    if (typeof value !== 'string') return `${named(path)} must be ${known}, and is ${shown(value)}`;
    if (values.includes(value)) return undefined;
    const advice = didYouMean(value, values);
    return `${named(path)} must be ${known}, and is ${shown(value)}${advice}`;
  };
}

function listOf(check: OptionCheck): OptionCheck {
  return (value, path) => {
    if (!Array.isArray(value)) return `${named(path)} must be a list, and is ${shown(value)}`;
    for (const [at, part] of value.entries()) {
      const problem = check(part, `${path}.${at}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function recordOf(check: OptionCheck): OptionCheck {
  return (value, path) => fieldProblem(value, path, () => check);
}

/** A record of these names alone. */
function recordWith(fields: OptionFields): OptionCheck {
  const known = Object.keys(fields);
  const unknown = (name: string) => (_value: unknown, path: string) =>
    `there is no option '${path}'${didYouMean(name, known) || `; there are ${known.join(', ')}`}`;
  const checkOf = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : unknown(name));
  return (value, path) =>
    fieldProblem(value, path, checkOf) ?? (isRecord(value) ? memoryProblem(value, path) : undefined);
}

/** A maximum below what the first attempt has would give less to a retry that needs more. */
export function memoryProblem(
  { memory, memoryMax }: { readonly [K in 'memory' | 'memoryMax']?: unknown },
  path = '',
): string | undefined {
  if (typeof memory !== 'number' || typeof memoryMax !== 'number' || memoryMax >= memory) return undefined;
  return `${named(path === '' ? 'memoryMax' : `${path}.memoryMax`)} must be no less than memory, which is ${memory}, and is ${memoryMax}`;
}

function fieldProblem(
  value: unknown,
  path: string,
  checkOf: (name: string) => OptionCheck | undefined,
): string | undefined {
  if (!isRecord(value)) return `${named(path)} must be a record, and is ${shown(value)}`;
  for (const [name, part] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const problem = part === undefined ? undefined : checkOf(name)?.(part, at);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function named(path: string): string {
  return path === '' ? 'what holds the options' : `the option '${path}'`;
}

const SHOWN_LENGTH = 40;

/** A value in a sentence: numbers and short texts as they are, else what kind of thing it is. */
function shown(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value);
  }
  if (value === null || ['number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a record' : `a ${typeof value}`;
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isPositive(value: unknown): boolean {
  return isAmount(value) && value !== 0;
}

/** Old buckets may have capitals and underscores in their names. */
function isS3Prefix(value: unknown): boolean {
  return typeof value === 'string' && /^s3:\/\/[A-Za-z0-9][A-Za-z0-9._-]+(\/|$)/.test(value);
}

/** Source: AWS Batch, EphemeralStorage. */
function isFargateDisk(value: unknown): boolean {
  return typeof value === 'number' && value >= 21 && value <= 200;
}

/** As URLs have hosts, without a port; after an address, perhaps the bits of its network. */
function isPlace(value: unknown): boolean {
  const [, host = '', bits] = /^([a-z0-9.:_-]+?)(?:\/(\d{1,3}))?$/i.exec(typeof value === 'string' ? value : '') ?? [];
  const isV6 = host.includes(':');
  const text = isV6 ? `[${host}]` : host;
  if (!URL.canParse(`http://${text}/`)) return false;
  const bitsMax = isV6 ? 128 : /^\d+(\.\d+){3}$/.test(host) ? 32 : -1;
  return bits === undefined || Number(bits) <= bitsMax;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
