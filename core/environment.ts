/** Reads what environments hold: deployment settings in, typed settings out. Nothing else knows their variables' names. */
import * as v from 'valibot';
import type { Proxies } from './files/web-request.ts';
import { SECRET_VARIABLE } from './values/secrets.ts';

/** Where large values, specs and bundles are: a bucket and a prefix (empty, or ending in a slash), or a folder. */
export type Store =
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
  | { readonly kind: 'folder'; readonly path: string };

/** Where services are, by URL. */
export interface Endpoints {
  readonly dynamo?: string | undefined;
  readonly batch?: string | undefined;
  readonly events?: string | undefined;
  readonly sqs?: string | undefined;
}

export interface EngineSettings {
  /** Names the deployment in job names: letters, digits and `-`. */
  readonly stack: string;
  readonly tables: { readonly runs: string; readonly cache: string; readonly attempts: string };
  readonly store: Store;
  /** REDEX_STORE as it was written: jobs are told the same. */
  readonly storeText: string;
  /** What relative local paths are relative to; absent in the cloud, which has no local files. */
  readonly filesRoot: string | undefined;
  /** Buckets beside the store's whose files may be read and written in the cloud; `*` stands for any text. */
  readonly dataBuckets: readonly string[];
  /** Whether the services are those of a local cloud, which know no accounts. */
  readonly local: boolean;
  /** Local only: where its services are. On AWS that is for the SDK to know. */
  readonly endpoints: Endpoints | undefined;
  /** Local only: the owner of the database, beside whom nobody sends. */
  readonly sender: string | undefined;
  /** Event bus that is told of runs. */
  readonly bus: string;
  /** URL of the queue of events, to which wake-ups go. */
  readonly events: string;
  /** Of executors that name none: queue, image, and role of the jobs. */
  readonly queue: string | undefined;
  readonly image: string | undefined;
  readonly jobRole: string | undefined;
  /** By which AWS itself pulls images, writes logs and fetches secrets. */
  readonly executionRole: string | undefined;
  /** Of CloudWatch, for the jobs. */
  readonly jobLogs: string | undefined;
  /** Nodes that the graph of a run may have to be loaded. */
  readonly liveNodesMax: number;
  /** Time between two sweeps, where it is another than the engine's own. */
  readonly sweepPeriodMs: number | undefined;
  /** Of whom results are made for, where this process has another for what is its own. */
  readonly umask: number | undefined;
  /** On the way to files on the web. */
  readonly proxies: Proxies;
}

export interface RunnerSettings {
  /** Object key of the job spec, or of an array's manifest. */
  readonly spec: string;
  readonly store: Store;
  /** With an S3 store only. */
  readonly attemptsTable: string | undefined;
  /** `s3://bucket/prefix/` where the spec is, and a large outcome goes; undefined: in the store. */
  readonly scratch: string | undefined;
  readonly filesRoot: string | undefined;
  /** Folder for working directories; the machine's temporary folder when undefined. */
  readonly work: string | undefined;
  /** The executor's id of this job, by which it holds its attempt. */
  readonly jobId: string;
  /** The executor's count of tries, from 1. */
  readonly jobAttempt: number;
  readonly arrayIndex: number | undefined;
  /** Whether standard input is a pipe that ends when the parent does, and the job with it. */
  readonly parentPipe: boolean;
  /** Of whom the job is run for, where it is started with another. */
  readonly umask: number | undefined;
  /** Values of secrets, by the names that the job has them under. */
  readonly secrets: Readonly<Record<string, string>>;
  /** On the way to files on the web. */
  readonly proxies: Proxies;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** Of this process: for the modules that it begins with, which pass it on. */
export const ENVIRONMENT: Variables = process.env;

const Text = v.pipe(v.string(), v.nonEmpty());

const StoreText = v.pipe(
  Text,
  v.check(
    (text) => /^s3:\/\/[A-Za-z0-9._-]+(\/|$)/.test(text) || text.startsWith('/'),
    'is neither s3://bucket/prefix nor an absolute folder',
  ),
);

/** Separated by commas. */
const Names = v.pipe(
  v.string(),
  v.transform((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
);

const S3Place = v.pipe(v.string(), v.regex(/^s3:\/\/[A-Za-z0-9._-]+(\/|$)/, 'is not like s3://bucket/prefix/'));

const CountFrom = (least: number) => v.pipe(v.string(), v.digits(), v.transform(Number), v.minValue(least));

const Umask = v.pipe(
  v.string(),
  v.regex(/^[0-7]{1,3}$/, 'is no umask'),
  v.transform((octal) => Number.parseInt(octal, 8)),
);

/**
 * A node with its work takes about 1 KB, and as much again while its snapshot is read: 2 GB, and with the eight nodes of a
 * script in a map 125,000 scripts. A function with less memory is told less.
 */
const LIVE_NODES_MAX = '1000000';

const EngineVariables = v.pipe(
  v.object({
    REDEX_STACK: v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,40}$/, 'may hold 1 to 40 letters, digits and -')),
    REDEX_TABLE_RUNS: Text,
    REDEX_TABLE_CACHE: Text,
    REDEX_TABLE_ATTEMPTS: Text,
    REDEX_STORE: v.optional(StoreText),
    /** The bucket of a store without a prefix: the one thing of it that a deployment can refer to. */
    REDEX_BUCKET: v.optional(Text),
    REDEX_FILES_ROOT: v.optional(Text),
    REDEX_DATA_BUCKETS: v.optional(Names, ''),
    REDEX_LOCAL: v.optional(v.literal('1')),
    AWS_ENDPOINT_URL_DYNAMODB: v.optional(Text),
    AWS_ENDPOINT_URL_BATCH: v.optional(Text),
    AWS_ENDPOINT_URL_EVENTBRIDGE: v.optional(Text),
    AWS_ENDPOINT_URL_SQS: v.optional(Text),
    REDEX_SENDER: v.optional(Text),
    REDEX_BUS: v.optional(Text, 'default'),
    REDEX_EVENTS: Text,
    REDEX_QUEUE: v.optional(Text),
    REDEX_IMAGE: v.optional(Text),
    REDEX_JOB_ROLE: v.optional(Text),
    REDEX_EXECUTION_ROLE: v.optional(Text),
    REDEX_JOB_LOGS: v.optional(Text),
    REDEX_LIVE_NODES_MAX: v.optional(CountFrom(1), LIVE_NODES_MAX),
    REDEX_SWEEP_SECONDS: v.optional(CountFrom(1)),
    REDEX_UMASK: v.optional(Umask),
  }),
  v.check(
    ({ REDEX_STORE, REDEX_BUCKET }) => REDEX_STORE !== undefined || REDEX_BUCKET !== undefined,
    'REDEX_STORE or REDEX_BUCKET is needed',
  ),
);

const RunnerVariables = v.object({
  REDEX_SPEC: Text,
  REDEX_STORE: StoreText,
  REDEX_TABLE_ATTEMPTS: v.optional(Text),
  REDEX_SCRATCH: v.optional(S3Place),
  REDEX_FILES_ROOT: v.optional(Text),
  REDEX_WORK: v.optional(Text),
  AWS_BATCH_JOB_ID: Text,
  AWS_BATCH_JOB_ATTEMPT: v.optional(CountFrom(1), '1'),
  AWS_BATCH_JOB_ARRAY_INDEX: v.optional(CountFrom(0)),
  REDEX_PARENT_PIPE: v.optional(v.literal('1')),
  REDEX_UMASK: v.optional(Umask),
});

export function parseStore(text: string): Store {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(text);
  if (!match) return { kind: 'folder', path: text };
  const [, bucket = '', rest = ''] = match;
  return { kind: 's3', bucket, prefix: rest === '' || rest.endsWith('/') ? rest : `${rest}/` };
}

/** Throws where it is no place on S3. */
export function parseS3(text: string): Extract<Store, { kind: 's3' }> {
  const store = parseStore(text);
  if (store.kind !== 's3') throw new Error(`${text} is not like s3://bucket/prefix/`);
  return store;
}

/** Settings of the handlers. Throws one error that names every variable that is missing or wrong. */
export function engineSettings(variables: Variables): EngineSettings {
  const read = parse(EngineVariables, variables);
  const storeText = read.REDEX_STORE ?? `s3://${read.REDEX_BUCKET}`;
  const local = read.REDEX_LOCAL === '1';
  return {
    stack: read.REDEX_STACK,
    tables: { runs: read.REDEX_TABLE_RUNS, cache: read.REDEX_TABLE_CACHE, attempts: read.REDEX_TABLE_ATTEMPTS },
    store: parseStore(storeText),
    storeText,
    filesRoot: read.REDEX_FILES_ROOT,
    dataBuckets: read.REDEX_DATA_BUCKETS,
    local,
    endpoints: local ? endpointsIn(read) : undefined,
    sender: read.REDEX_SENDER,
    bus: read.REDEX_BUS,
    events: read.REDEX_EVENTS,
    queue: read.REDEX_QUEUE,
    image: read.REDEX_IMAGE,
    jobRole: read.REDEX_JOB_ROLE,
    executionRole: read.REDEX_EXECUTION_ROLE,
    jobLogs: read.REDEX_JOB_LOGS,
    liveNodesMax: read.REDEX_LIVE_NODES_MAX,
    sweepPeriodMs: read.REDEX_SWEEP_SECONDS === undefined ? undefined : read.REDEX_SWEEP_SECONDS * 1000,
    umask: read.REDEX_UMASK,
    proxies: webProxies(variables),
  };
}

function endpointsIn(read: v.InferOutput<typeof EngineVariables>): Endpoints {
  return {
    dynamo: read.AWS_ENDPOINT_URL_DYNAMODB,
    batch: read.AWS_ENDPOINT_URL_BATCH,
    events: read.AWS_ENDPOINT_URL_EVENTBRIDGE,
    sqs: read.AWS_ENDPOINT_URL_SQS,
  };
}

export interface LogSettings {
  /** Named in every line: the stack. */
  readonly service: string;
  /** Of a local cloud; undefined: standard error. */
  readonly file: string | undefined;
}

/** Where the handlers write their log. Throws nothing: that the environment is not set up is to be logged, too. */
export function logSettings(variables: Variables): LogSettings {
  return { service: variables.REDEX_STACK || 'redex', file: variables.REDEX_LOG || undefined };
}

/** Settings of the runner. Throws one error that names every variable that is missing or wrong. */
export function runnerSettings(variables: Variables = process.env): RunnerSettings {
  const read = parse(RunnerVariables, { ...toldByExecutor(variables), ...variables });
  return {
    spec: read.REDEX_SPEC,
    store: parseStore(read.REDEX_STORE),
    attemptsTable: read.REDEX_TABLE_ATTEMPTS,
    scratch: read.REDEX_SCRATCH,
    filesRoot: read.REDEX_FILES_ROOT,
    work: read.REDEX_WORK,
    jobId: read.AWS_BATCH_JOB_ID,
    jobAttempt: read.AWS_BATCH_JOB_ATTEMPT,
    arrayIndex: read.AWS_BATCH_JOB_ARRAY_INDEX,
    parentPipe: read.REDEX_PARENT_PIPE === '1',
    umask: read.REDEX_UMASK,
    secrets: secretsIn(variables),
    proxies: webProxies(variables),
  };
}

/** Whether the process becomes the parent of whatever below it loses its own: it was started so, or is the first of all. */
export function isReaper(pid: number, variables: Variables = process.env): boolean {
  return pid === 1 || variables.REDEX_REAPER === String(pid);
}

/** What Batch tells its jobs of themselves by itself, executors of other kinds tell by names of redex. */
function toldByExecutor({ REDEX_JOB_ID, REDEX_JOB_ATTEMPT, REDEX_JOB_INDEX }: Variables): Variables {
  return {
    AWS_BATCH_JOB_ID: REDEX_JOB_ID,
    AWS_BATCH_JOB_ATTEMPT: REDEX_JOB_ATTEMPT,
    AWS_BATCH_JOB_ARRAY_INDEX: REDEX_JOB_INDEX,
  };
}

function secretsIn(variables: Variables): Record<string, string> {
  const given = Object.entries(variables).flatMap(([name, value]) =>
    name.startsWith(SECRET_VARIABLE) && value !== undefined
      ? [[name.slice(SECRET_VARIABLE.length), value] as const]
      : [],
  );
  return Object.fromEntries(given);
}

/**
 * The proxies that files on the web are had through. Of the two cases the lower one counts first, and ALL_PROXY for what has
 * no other, as for curl.
 */
export function webProxies(variables: Variables): Proxies {
  const read = (name: string): string | undefined => variables[name.toLowerCase()] || variables[name] || undefined;
  const proxy = (name: string): string | undefined => {
    const text = read(name);
    return text === undefined || text.includes('://') ? text : `http://${text}`;
  };
  // Often one of SOCKS, which is for programs that speak it.
  const other = proxy('ALL_PROXY');
  const rest = other !== undefined && /^https?:/i.test(other) ? other : undefined;
  return { http: proxy('HTTP_PROXY') ?? rest, https: proxy('HTTPS_PROXY') ?? rest, none: read('NO_PROXY') };
}

/**
 * What leads to the machine's tools, to the network and to its account, and what the job was granted. Whatever else a
 * shell or image has set is no script's business.
 */
const MACHINE_VARIABLES = [
  /^(PATH|LD_LIBRARY_PATH|JAVA_HOME|NODE_PATH|TZ|NVIDIA_.*|CUDA_.*)$/,
  // Programs disagree on the case of these.
  /^(HTTP|HTTPS|ALL|FTP|NO)_PROXY$/i,
  /^(SSL_CERT_(FILE|DIR)|(CURL|REQUESTS|AWS)_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$/,
  /^(AWS_(DEFAULT_)?REGION|AWS_CONTAINER_.*|ECS_CONTAINER_METADATA_URI.*)$/,
  // Which account, as the command uses it; not the keys themselves.
  /^AWS_((DEFAULT_)?PROFILE|CONFIG_FILE|SHARED_CREDENTIALS_FILE|ENDPOINT_URL.*|IGNORE_CONFIGURED_ENDPOINT_URLS)$/,
  /^REDEX_(VCPUS|MEMORY_MB)$/,
];

/** The part of the environment that scripts see beside what they declare. */
export function machineVariables(variables: Variables = process.env): Record<string, string> {
  // Scripts have a HOME of their own, and the profiles are in the user's.
  const { HOME } = variables;
  const profiles = HOME && {
    AWS_CONFIG_FILE: `${HOME}/.aws/config`,
    AWS_SHARED_CREDENTIALS_FILE: `${HOME}/.aws/credentials`,
  };
  const isSeen = (name: string) => MACHINE_VARIABLES.some((pattern) => pattern.test(name));
  const seen = Object.entries({ ...(variables.AWS_PROFILE && profiles), ...variables }).flatMap(([name, value]) =>
    isSeen(name) && value !== undefined ? [[name, value] as const] : [],
  );
  return Object.fromEntries(seen);
}

/** An empty variable counts as absent: deployment templates cannot always leave one out. */
function parse<S extends v.GenericSchema>(schema: S, variables: Variables): v.InferOutput<S> {
  const present = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const result = v.safeParse(schema, present);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => [v.getDotPath(issue) ?? [], issue.message].flat().join(': '));
  throw new Error(`the environment is not set up: ${problems.join('; ')}`);
}
