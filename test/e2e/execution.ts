/** What really happened to a project's jobs: the local Batch's log beside the records of claims and results. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import type { AttemptRecord } from '../../core/engine/ports.ts';
import type { BatchRecord, SubmittedRecord } from '../../local/batch/records.ts';

/** The local Batch's log; a line that is being written just now is left out. */
export function batchRecords(folder: string): BatchRecord[] {
  const path = join(folder, '.redex/batch/jobs.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as BatchRecord);
}

/** How many processes of jobs were started, ever. */
export function startsOf(folder: string): number {
  return batchRecords(folder).filter(({ type }) => type === 'started').length;
}

interface Start {
  readonly job: string;
  readonly at: number;
  /** Run, evaluation and number of the attempt. */
  readonly work: string;
  readonly attempt: string;
}

/** Every start of a job, and which attempt at which work it was. */
function starts(folder: string, records: readonly BatchRecord[]): Promise<Start[]> {
  const objects = folderObjects(join(folder, '.redex/store'));
  const submitted = new Map(
    records.flatMap((record) => (record.type === 'submitted' ? [[record.job, record] as const] : [])),
  );
  const started = records.filter((record) => record.type === 'started');
  return Promise.all(
    started.map(async ({ job, at }) => {
      const [parent = '', index] = job.split(':');
      const spec = await readSpec(objects, specKey(submitted.get(parent)), Number(index ?? 0));
      const work = `${spec.run}/${spec.eval}`;
      return { job, at, work, attempt: `${work} ${spec.attempt}` };
    }),
  );
}

function specKey(submitted: SubmittedRecord | undefined): string {
  return submitted?.container.environment.find(({ name }) => name === 'REDEX_SPEC')?.value ?? 'no spec';
}

interface Result {
  readonly record: AttemptRecord;
  readonly work: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** Every result that was ever recorded, failures left out. */
function results(folder: string): Result[] {
  const attempts = join(folder, '.redex/store/attempts');
  if (!existsSync(attempts)) return [];
  return readdirSync(attempts).flatMap((run) =>
    readdirSync(join(attempts, run)).flatMap((name) => {
      const path = join(attempts, run, name);
      const [, evaluation] = /^([0-9a-f]+)\.\d+$/.exec(name) ?? [];
      const record = evaluation ? (JSON.parse(readFileSync(path, 'utf8')) as AttemptRecord) : undefined;
      if (!record?.outcome?.ok) return [];
      return [{ record, work: `${run}/${evaluation}`, at: statSync(path).mtimeMs }];
    }),
  );
}

/**
 * Fails when an attempt took effect twice, when an end was told of a job that the result is not from, or when a job
 * with a recorded result was started again.
 */
export async function expectNothingTwice(folder: string): Promise<void> {
  const records = batchRecords(folder);
  const started = await starts(folder, records);
  const recorded = results(folder);
  expect(repeated(recorded.map(({ work }) => work))).toEqual([]);

  const attemptOf = new Map(started.map(({ job, attempt }) => [job, attempt]));
  const succeeded = records.flatMap((record) =>
    record.type === 'ended' && record.status === 'SUCCEEDED' ? (attemptOf.get(record.job) ?? []) : [],
  );
  expect(repeated(succeeded)).toEqual([]);

  const doneAt = new Map(recorded.map(({ work, at }) => [work, at]));
  const inVain = started.filter(({ work, at }) => at > (doneAt.get(work) ?? Number.POSITIVE_INFINITY));
  expect(inVain).toEqual([]);
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, at) => names.indexOf(name) !== at);
}
