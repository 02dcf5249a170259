/** What is found of a deployed stack, as far as it may be looked at. */
import type { JobOptions, Program, ProgramExecutor } from '../../core/values/program.ts';
import { ROUTES } from '../../functions/routes.ts';
import type { Stack, StackTrouble } from '../stack.ts';
import type { Observation } from './checks.ts';

/** As serverless.yml has them. */
export const FUNCTIONS = [...ROUTES.map((route) => route.function), 'advance', 'sweep', 'manifest'] as const;

/** As stack/storage.yml and stack/events.yml name them, after the stack. */
export const TABLES = { runs: '-runs', cache: '-cache', attempts: '-attempts' } as const;
export const QUEUES = { events: '-events', dead: '-events-dead', undelivered: '-undelivered' } as const;

/** How far back the log of the sweep is read: three of its periods (core/engine/sweep.ts). */
export const SWEEP_SEEN_MS = 15 * 60_000;

export interface StackFacts {
  readonly name: string;
  /** Version of the redex that looks. */
  readonly redex: string;
  /** ARN of who looks. */
  readonly caller: Observation<string>;
  /** AWS's clock less this one, ms. */
  readonly skewMs: Observation<number>;
  readonly stack: Stack | Missing;
  /** undefined: without the stack there was nothing to look at. */
  readonly parts: StackParts | undefined;
}

export interface Missing {
  readonly trouble: StackTrouble;
  readonly message: string;
}

/** Everywhere undefined means that there is none. */
export interface StackParts {
  /** ms since the epoch, by AWS's clock. */
  readonly now: number;
  readonly tables: Readonly<Record<string, Observation<TableFacts | undefined>>>;
  readonly bucket: BucketFacts;
  readonly queue: Observation<QueueFacts | undefined>;
  readonly deadQueues: Readonly<Record<string, Observation<QueueFacts | undefined>>>;
  /** Seconds that the oldest event has waited. */
  readonly oldestSeconds: Observation<number | undefined>;
  readonly alarms: Observation<readonly Alarm[]>;
  /** Rules that have the queue of events, or the function, for a target. */
  readonly rules: Readonly<Record<'events' | 'manifest' | 'sweep', Observation<readonly Rule[]>>>;
  /** From the queue of events to advance: what Lambda says of each mapping, as `Enabled`. */
  readonly mappings: Observation<readonly string[]>;
  readonly sweepLog: Observation<SweepLog | undefined>;
  readonly functions: Readonly<Record<string, Observation<FunctionFacts | undefined>>>;
  readonly code: Observation<Code | undefined>;
  readonly wanted: Wanted;
  readonly jobQueues: Readonly<Record<string, Observation<JobQueueFacts | undefined>>>;
  readonly images: Readonly<Record<string, Observation<ImagePlace>>>;
  readonly roles: Readonly<Record<string, Observation<RoleFacts | undefined>>>;
}

export interface TableFacts {
  /** `ACTIVE` when it can be used. */
  readonly status: string;
  /** Attribute by which items expire. */
  readonly expires: string | undefined;
  readonly isRecoverable: boolean;
}

export interface BucketFacts {
  readonly name: Observation<string>;
  readonly isThere: Observation<boolean>;
  readonly isVersioned: Observation<boolean>;
  readonly isPrivate: Observation<boolean>;
  /** Whether it tells EventBridge of objects. */
  readonly tells: Observation<boolean>;
}

export interface QueueFacts {
  readonly messages: number;
  /** Name of the queue that messages go to after so many receives. */
  readonly redrive: { readonly to: string; readonly after: number } | undefined;
}

export interface Alarm {
  readonly name: string;
  /** ALARM, OK or INSUFFICIENT_DATA. */
  readonly state: string;
  readonly description: string;
}

export interface Rule {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly schedule: string | undefined;
  /** Parsed JSON. */
  readonly pattern: unknown;
}

/** Of the last `SWEEP_SEEN_MS`: Lambda writes some lines for each call. */
export interface SweepLog {
  /** ms since the epoch; undefined: not a line. */
  readonly newest: number | undefined;
  readonly hasFailed: boolean;
}

export interface FunctionFacts {
  readonly runtime: string;
  /** `Active`, and `Successful`, when it can be called as it was deployed last. */
  readonly state: string;
  readonly lastUpdate: string;
  /** undefined: as many at once as the account allows. */
  readonly reserved: number | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

export interface Code {
  readonly bundle: string;
  /** undefined: the bundle that is named is not there. */
  readonly program: Pick<Program, 'executors' | 'tasks'> | undefined;
}

export interface JobQueueFacts {
  readonly state: string;
  readonly status: string;
  readonly reason: string;
  readonly environments: readonly EnvironmentFacts[];
}

export interface EnvironmentFacts {
  readonly name: string;
  readonly state: string;
  readonly status: string;
  readonly reason: string;
  /** undefined where its machines are somebody else's. */
  readonly vcpusMax: number | undefined;
}

export type ImagePlace = 'there' | 'not there' | 'no repository' | 'elsewhere';

export interface RoleFacts {
  /** Services that its trust policy lets take it. */
  readonly trusted: readonly string[];
}

/** What jobs are made of, each with who asks for it. */
export interface Wanted {
  readonly queues: Readonly<Record<string, readonly string[]>>;
  readonly images: Readonly<Record<string, readonly string[]>>;
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** Executors whose jobs have no image. */
  readonly imageless: readonly string[];
}

export const DEFAULT_OF_STACK = 'the stack';

/** `variables`: of the functions, which say what executors need not name. */
export function wantedOf(program: Code['program'], variables: Readonly<Record<string, string>>): Wanted {
  const { executors = {}, tasks = {} } = program ?? {};
  const batch = Object.entries(executors).filter(([, { type }]) => type === 'batch');
  const askers: (readonly [string, Partial<ProgramExecutor>])[] = [
    [
      DEFAULT_OF_STACK,
      {
        ...given('queue', variables.REDEX_QUEUE),
        ...given('image', variables.REDEX_IMAGE),
        ...given('role', variables.REDEX_JOB_ROLE),
        ...given('executionRole', variables.REDEX_EXECUTION_ROLE),
      },
    ],
    ...batch.map(([name, executor]) => [`executor ${name}`, executor] as const),
    ...Object.entries(tasks).map(([name, { options }]) => [`task ${name}`, options] as const),
  ];
  const named = (...options: (keyof ProgramExecutor)[]) => {
    const by = new Map<string, string[]>();
    for (const [asker, asked] of askers) {
      for (const option of options) {
        const value = asked[option];
        if (typeof value === 'string') by.set(value, [...(by.get(value) ?? []), asker]);
      }
    }
    return Object.fromEntries(by);
  };
  return {
    queues: named('queue', 'fallbackQueue'),
    images: named('image', 'runnerImage'),
    roles: named('role', 'executionRole'),
    imageless: variables.REDEX_IMAGE ? [] : batch.flatMap(([name, executor]) => imagelessName(name, executor, tasks)),
  };
}

function given(option: keyof ProgramExecutor, value: string | undefined): Partial<ProgramExecutor> {
  return value ? { [option]: value } : {};
}

/** An executor needs no image where every task that names it has one. */
function imagelessName(name: string, { image }: ProgramExecutor, tasks: Program['tasks']): string[] {
  if (image !== undefined) return [];
  const users: JobOptions[] = Object.values(tasks).flatMap(({ options }) =>
    options.executor === name ? [options] : [],
  );
  return users.length > 0 && users.every((options) => options.image !== undefined) ? [] : [name];
}
