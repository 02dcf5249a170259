/** What the engine tells of runs and jobs, as schemas. The compiler holds each equal to the engine's own type. */

import * as v from 'valibot';
import type { DryRun } from '../core/engine/dry-run.ts';
import type { JobHistory } from '../core/engine/history.ts';
import type { JobRecord } from '../core/engine/job-record.ts';
import type { RunSummary } from '../core/engine/ports.ts';
import type { RunQueue } from '../core/engine/waiting.ts';
import { CAUSES } from '../core/values/causes.ts';
import { HASH, type Hash, hashNamed, RUN_ID, type RunId, runNamed } from '../core/values/ids.ts';
import { keysOf } from '../core/values/json.ts';
import type { Table } from '../core/values/table.ts';

/** `T` without what a schema cannot say of it. */
type Bare<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : { -readonly [K in keyof T]: Bare<T[K]> };

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? unknown : never;

/** The schema, which must say the same as the type does. */
function shape<T>() {
  return <S extends v.GenericSchema>(schema: S & Same<Bare<T>, Bare<v.InferOutput<S>>>): v.GenericSchema<T> =>
    known<T>(schema);
}

/** What is nothing but `T` where it comes from us, and told as the schema says. */
function known<T>(schema: v.GenericSchema): v.GenericSchema<T> {
  return schema as v.GenericSchema<T>;
}

/** An id of a run, given from outside. */
export const RunName = v.pipe(
  v.string(),
  v.regex(RUN_ID, 'is no id of a run: 1 to 40 letters and digits'),
  v.transform(runNamed),
);

export const BundleName = v.pipe(v.string(), v.regex(HASH, 'is no hash of a bundle'), v.transform(hashNamed));

export const Run = known<RunId>(v.pipe(v.string(), v.regex(RUN_ID)));
export const Digest = known<Hash>(v.pipe(v.string(), v.regex(HASH)));
const Whole = v.pipe(v.number(), v.integer());
/** ms since the epoch. */
const Moment = Whole;
const Value = known<Table>(v.pipe(v.array(v.unknown()), v.description('A value or an error, encoded as a table')));
export const Status = v.picklist(['RUNNING', 'CANCELLING', 'DONE', 'FAILED', 'CANCELLED']);

const TaskTally = v.strictObject({
  pending: Whole,
  running: Whole,
  failed: Whole,
  cached: Whole,
  done: Whole,
  cancelled: Whole,
});

const OpenWork = v.strictObject({
  ready: v.boolean(),
  claimDeadline: v.exactOptional(Moment),
  oldestDeadline: v.exactOptional(Moment),
});

const SummaryEntries = v.strictObject({
  run: Run,
  workflow: v.string(),
  args: v.pipe(v.unknown(), v.description('As they were given')),
  bundle: Digest,
  status: Status,
  sequence: v.pipe(Whole, v.description('Entries of the journal that this covers; 0 before the run has begun')),
  startedAt: Moment,
  updatedAt: Moment,
  endedAt: v.exactOptional(Moment),
  tally: v.pipe(v.record(v.string(), TaskTally), v.description('Jobs by task')),
  result: v.exactOptional(Value),
  traceback: v.exactOptional(v.string()),
  otherErrors: v.exactOptional(v.array(v.string())),
  liveNodes: v.exactOptional(Whole),
  open: v.exactOptional(OpenWork),
  blocked: v.exactOptional(v.strictObject({ reason: v.string(), at: Moment })),
  snapshot: v.exactOptional(Whole),
  tags: v.record(v.string(), v.string()),
  asked: v.exactOptional(Digest),
  retry: v.exactOptional(v.literal(true)),
  beginning: v.exactOptional(
    v.strictObject({
      failure: v.picklist(['drain', 'cancel']),
      cache: v.boolean(),
      context: v.record(v.string(), v.unknown()),
    }),
  ),
});

export const Summary = shape<RunSummary>()(SummaryEntries);

/** Without its value, which may be large. */
export type ListedRun = Omit<RunSummary, 'result' | 'beginning'>;

export const Listed = shape<ListedRun>()(v.omit(SummaryEntries, ['result', 'beginning']));

const Measured = v.strictObject({
  queuedAt: v.exactOptional(Moment),
  startedAt: v.exactOptional(Moment),
  endedAt: v.exactOptional(Moment),
  cpuSeconds: v.exactOptional(v.number()),
  memoryPeakBytes: v.exactOptional(v.number()),
  stagedInBytes: v.exactOptional(v.number()),
  stagedOutBytes: v.exactOptional(v.number()),
  exitCode: v.exactOptional(Whole),
  host: v.exactOptional(v.string()),
  log: v.exactOptional(v.string()),
});

const JobName = known<JobHistory['id']>(Digest);

const JobEntries = v.strictObject({
  id: JobName,
  task: v.string(),
  status: v.picklist(['PENDING', 'RUNNING', 'DONE', 'FAILED', 'CACHED', 'CANCELLED']),
  startedAt: Moment,
  endedAt: v.exactOptional(Moment),
  attempt: v.pipe(Whole, v.description('The newest; 0 when its function was not run here')),
  caller: v.exactOptional(v.string()),
  given: v.exactOptional(v.pipe(v.string(), v.description('Its arguments in a few words'))),
  error: v.exactOptional(v.string()),
  measured: Measured,
  executorId: v.exactOptional(v.string()),
});

export const Job = shape<JobHistory>()(JobEntries);

const Attempt = v.strictObject({
  attempt: Whole,
  status: v.picklist(['RUNNING', 'DONE', 'FAILED']),
  cause: v.exactOptional(v.picklist(keysOf(CAUSES))),
  error: v.exactOptional(v.string()),
  executor: v.exactOptional(v.string()),
  executorId: v.exactOptional(v.string()),
  resources: v.exactOptional(
    v.pipe(
      v.strictObject({
        vcpus: v.exactOptional(v.number()),
        memory: v.exactOptional(v.number()),
        gpus: v.exactOptional(v.number()),
        timeoutSeconds: v.exactOptional(v.number()),
        image: v.exactOptional(v.string()),
        queue: v.exactOptional(v.string()),
      }),
      v.description('As far as they were asked for; memory in GiB'),
    ),
  ),
  measured: Measured,
});

const JobFiles = v.array(
  v.strictObject({ kind: v.picklist(['file', 'dir']), location: v.string(), version: v.string() }),
);

export const JobWhole = shape<JobRecord>()(
  v.strictObject({
    ...JobEntries.entries,
    attempts: v.array(Attempt),
    inputs: v.pipe(JobFiles, v.description('Files in its arguments')),
    outputs: v.exactOptional(v.pipe(JobFiles, v.description('Files in its value, once it has one'))),
  }),
);

export interface WaitingRun extends RunQueue {
  readonly run: RunId;
}

export const Waiting = shape<WaitingRun>()(
  v.strictObject({
    run: Run,
    waiting: v.pipe(
      v.array(v.strictObject({ jobs: Whole, reason: v.string() })),
      v.description('By reason, most jobs first; in the executor’s own words where it has any'),
    ),
    queued: v.pipe(
      v.array(v.strictObject({ id: JobName, task: v.string() })),
      v.description('Jobs that were submitted and have not begun'),
    ),
  }),
);

/** The value is JSON. */
export interface Plan extends Omit<DryRun, 'value'> {
  readonly value?: unknown;
}

const Texts = v.array(v.string());

const Reason = v.variant('kind', [
  v.strictObject({ kind: v.literal('cache off') }),
  v.strictObject({ kind: v.literal('new task') }),
  v.strictObject({ kind: v.literal('changed code'), helpers: v.exactOptional(Texts) }),
  v.strictObject({ kind: v.literal('changed file'), files: Texts }),
  v.strictObject({ kind: v.literal('changed tasks'), tasks: Texts }),
  v.strictObject({ kind: v.literal('new arguments'), arguments: Texts }),
  v.strictObject({ kind: v.literal('no result') }),
]);

export const Planned = shape<Plan>()(
  v.strictObject({
    workflow: v.string(),
    cached: v.pipe(Whole, v.description('Jobs whose results would be reused')),
    jobs: v.pipe(
      v.array(
        v.strictObject({
          task: v.string(),
          executor: v.string(),
          calls: v.pipe(Texts, v.description('That lead to it, outermost first, its own last')),
          reason: Reason,
          looked: v.pipe(v.boolean(), v.description('Whether it was run to look further')),
        }),
      ),
      v.description('That would run'),
    ),
    waiting: v.pipe(v.record(v.string(), Whole), v.description('Calls that wait for those, by task')),
    value: v.exactOptional(v.unknown()),
    failure: v.exactOptional(v.strictObject({ calls: Texts, error: v.string() })),
  }),
);
