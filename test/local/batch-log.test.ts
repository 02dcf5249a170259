import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BatchRecord, SubmittedRecord } from '../../local/batch/records.ts';
import { openBatchStore } from '../../local/batch/store.ts';
import { appendJsonLines, readJsonLines } from '../../local/json-lines.ts';
import { temporaryFolder } from './fixture.ts';

const DAY = 24 * 60 * 60 * 1000;

function submitted(job: string, size?: number): SubmittedRecord {
  const container = { command: [], environment: [], vcpus: 1, memoryMiB: 1 };
  const base = { type: 'submitted', at: 0, job, name: job, queue: 'q', definition: 'd:1', container } as const;
  return { ...base, ...(size !== undefined && { size }), parameters: {}, tags: {} };
}

const ended = (job: string, at: number): BatchRecord => ({ type: 'ended', at, job, status: 'SUCCEEDED' });
const delivered = (of: string): BatchRecord => ({ type: 'delivered', at: 0, of });

function logOf(records: readonly BatchRecord[]): string {
  const folder = temporaryFolder();
  const lines = appendJsonLines<BatchRecord>(join(folder, 'jobs.jsonl'));
  for (const record of records) lines.append(record);
  lines.close();
  return folder;
}

function jobsAfterOpening(folder: string, now: number, logBytesMax: number): string[] {
  const store = openBatchStore(folder, now, logBytesMax);
  store.close();
  const left = readJsonLines<BatchRecord>(join(folder, 'jobs.jsonl'));
  const again = openBatchStore(folder, now);
  again.close();
  expect([...again.state.jobs.keys()]).toEqual([...store.state.jobs.keys()]);
  return left.flatMap((record) => (record.type === 'submitted' ? [record.job] : []));
}

const HISTORY: readonly BatchRecord[] = [
  submitted('old'),
  ended('old', 0),
  delivered('old'),
  submitted('unheard'),
  ended('unheard', 0),
  submitted('recent'),
  ended('recent', DAY),
  delivered('recent'),
  submitted('open'),
  submitted('half', 2),
  ended('half:0', 0),
  delivered('half:0'),
  submitted('whole', 2),
  ...['whole:0', 'whole:1', 'whole'].flatMap((job) => [ended(job, 0), delivered(job)]),
];

test('a large log is cut down to the jobs that are open, recent, or have something to tell', () => {
  expect(jobsAfterOpening(logOf(HISTORY), 1.5 * DAY, 10)).toEqual(['unheard', 'recent', 'open', 'half']);
});

test('a log that was cut down is still for this user only: it holds what jobs were told', () => {
  const folder = logOf(HISTORY);
  jobsAfterOpening(folder, 1.5 * DAY, 10);
  expect(statSync(join(folder, 'jobs.jsonl')).mode & 0o777).toBe(0o600);
});

test('a small log is left alone', () => {
  const all = ['old', 'unheard', 'recent', 'open', 'half', 'whole'];
  expect(jobsAfterOpening(logOf(HISTORY), 1.5 * DAY, 1_000_000)).toEqual(all);
});

test('messages that were not delivered, and definitions, outlive the cut', () => {
  const sent = (message: string): BatchRecord => ({ type: 'sent', at: 0, message, body: '{}', dueAt: 0 });
  const definition = { arn: 'a', name: 'd', revision: 1, request: {} };
  const folder = logOf([{ type: 'defined', at: 0, definition }, sent('gone'), delivered('gone'), sent('waiting')]);
  const store = openBatchStore(folder, DAY, 1);
  store.close();
  expect([...store.state.messages.keys()]).toEqual(['waiting']);
  expect([...store.state.definitions.values()]).toEqual([definition]);
  expect(readJsonLines(join(folder, 'jobs.jsonl'))).toHaveLength(2);
});
