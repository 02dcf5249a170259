/** The services of a local cloud that take runs forward: Batch, the bus, and the queue before `advance`. */

import { join } from 'node:path';
import * as v from 'valibot';
import type { HeldRunsOnDisk } from '../core/disk/held.ts';
import { parseJobName } from '../core/engine/spec.ts';
import type { Variables } from '../core/environment.ts';
import type { RunId } from '../core/values/ids.ts';
import { openBatch } from './batch/batch.ts';
import type { Capacity } from './batch/capacity.ts';
import type { BatchJob } from './batch/jobs.ts';
import { openMachine } from './batch/running.ts';
import type { BatchStore } from './batch/store.ts';
import { openBus } from './bus.ts';
import type { Cloud, CloudOptions } from './cloud.ts';
import { openQueue } from './queue.ts';
import { type CloudPlaces, deadLettersOf, jobVariables, STACK } from './settings.ts';

type ServiceSettings = Required<
  Pick<CloudOptions, 'folder' | 'runner' | 'startJob' | 'killGraceMs' | 'wakeUpDelayMs' | 'chaos' | 'warn'>
> & { readonly capacity: Capacity };

/** What the services of a cloud stand on. */
interface Foundations extends Pick<Cloud, 'invoke'> {
  readonly store: BatchStore;
  readonly places: CloudPlaces;
  /** By jobs, of the user's environment. */
  readonly inherited: Variables;
  readonly held: HeldRunsOnDisk;
  readonly trouble: (reason: string) => void;
}

export function runOf({ submission }: BatchJob): RunId | undefined {
  return parseJobName(STACK, submission.name)?.run;
}

export async function openServices(
  { folder, runner, startJob, capacity, killGraceMs, wakeUpDelayMs, chaos, warn }: ServiceSettings,
  { store, places, inherited, held, trouble, invoke }: Foundations,
) {
  const queue = openQueue({
    handler: async (batch) => failedMessages(await invoke('advance', batch)),
    trouble,
    deadLetters: deadLettersOf(folder),
    warn,
  });
  const bus = openBus({ store, queue, chaos, isHeld: held.has, wakeUpDelayMs });
  const workFolder = join(folder, 'work');
  const machine = await openMachine({
    logFolder: places.jobLogs,
    workFolder,
    runner,
    inherited,
    variables: jobVariables(places),
    root: places.root,
    folders: [places.root, places.store, workFolder],
    killGraceMs,
    chaos,
    startJob,
  });
  const isHeld = (job: BatchJob): boolean => {
    const run = runOf(job);
    return run !== undefined && held.has(run);
  };
  const batch = await openBatch({ store, machine, capacity, isHeld, deliver: bus.deliver, warn });
  return { batch, queue, bus };
}

/** As Lambda reads what the handler of a queue answers, and beside that why, by message. */
const BatchResponse = v.nullish(
  v.object({
    batchItemFailures: v.optional(v.array(v.object({ itemIdentifier: v.string() })), []),
    reasons: v.optional(v.record(v.string(), v.string()), {}),
  }),
);

/** Messages that came back, each with its reason. */
function failedMessages(answer: unknown): Map<string, string> {
  const { batchItemFailures = [], reasons = {} } = v.parse(BatchResponse, answer) ?? {};
  return new Map(batchItemFailures.map(({ itemIdentifier: id }) => [id, reasons[id] ?? 'the handler gave it back']));
}
