/** The local Batch's memory: its records on disk, folded into jobs. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appendJsonLines, type JsonLines, readJsonLines, replaceJsonLines } from '../json-lines.ts';
import { applyRecord, type BatchJob, type BatchState, emptyState } from './jobs.ts';
import { type BatchRecord, submissionOf } from './records.ts';

export interface BatchStore {
  readonly state: BatchState;
  /** Writes the record down and folds it in. */
  record(record: BatchRecord): void;
  close(): void;
}

/** A log larger than this is compacted when it is opened: it takes about a second to read. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** How long ended jobs can be looked up, at least. */
const KEPT_MS = 24 * 60 * 60 * 1000;

export function openBatchStore(folder: string, now: number, logBytesMax: number = LOG_BYTES_MAX): BatchStore {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'jobs.jsonl');
  let records = readJsonLines<BatchRecord>(path);
  let state = fold(records);
  if (records.length > 0 && statSync(path).size > logBytesMax) {
    records = compact(records, state, now);
    replaceJsonLines(path, records);
    state = fold(records);
  }
  const lines: JsonLines<BatchRecord> = appendJsonLines(path);
  return {
    state,
    record: (record) => {
      lines.append(record);
      applyRecord(state, record);
    },
    close: () => lines.close(),
  };
}

function fold(records: readonly BatchRecord[]): BatchState {
  const state = emptyState();
  for (const record of records) applyRecord(state, record);
  return state;
}

/** Leaves out the jobs that ended long ago and whose events have all been delivered, arrays as a whole. */
function compact(records: readonly BatchRecord[], state: BatchState, now: number): BatchRecord[] {
  const isGone = (job: BatchJob): boolean => job.delivered && job.ended !== undefined && now - job.ended.at > KEPT_MS;
  const kept = (job: string): boolean => {
    const submission = state.jobs.get(submissionOf(job));
    return submission !== undefined && ![submission, ...(submission.children ?? [])].every(isGone);
  };
  return records.filter((record) => {
    switch (record.type) {
      case 'defined':
        return true;
      case 'sent':
        return state.messages.has(record.message);
      case 'delivered':
        return kept(record.of);
      default:
        return kept(record.job);
    }
  });
}
