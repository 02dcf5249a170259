/** Journal, summaries, cache, attempts and objects in memory. */

import { checkKey } from '../../../core/engine/objects.ts';
import type {
  AttemptRecord,
  Attempts,
  Cache,
  Entry,
  Evaluation,
  Journal,
  Objects,
  RunSummary,
  Summaries,
} from '../../../core/engine/ports.ts';
import type { EvalHash, RunId } from '../../../core/values/ids.ts';
import { overTheWire } from './wire.ts';

export function memoryJournal(): Journal {
  const journals = new Map<RunId, Entry[]>();
  return overTheWire<Journal>({
    append(entry) {
      const entries = journals.get(entry.run) ?? [];
      journals.set(entry.run, entries);
      if (entries[entry.sequence]) return 'taken';
      entries[entry.sequence] = entry;
      return 'appended';
    },
    readAfter(run, sequence) {
      const entries = journals.get(run) ?? [];
      return entries.filter((entry) => entry.sequence > sequence);
    },
  });
}

export function memorySummaries(): Summaries {
  const summaries = new Map<RunId, RunSummary>();
  const isNewer = (a: RunSummary, b: RunSummary) =>
    a.sequence > b.sequence || (a.sequence === b.sequence && a.updatedAt > b.updatedAt);
  return overTheWire<Summaries>({
    put(summary) {
      const stored = summaries.get(summary.run);
      if (!stored || isNewer(summary, stored)) summaries.set(summary.run, summary);
    },
    get(run) {
      return summaries.get(run);
    },
    list({ status, limit, until = Number.POSITIVE_INFINITY }) {
      const matching = [...summaries.values()].filter(
        (summary) => (!status || summary.status === status) && summary.startedAt <= until,
      );
      const sorted = matching.sort((a, b) => b.startedAt - a.startedAt || (a.run < b.run ? 1 : -1));
      return sorted.slice(0, limit);
    },
  });
}

export function memoryCache(): Cache {
  const evaluations = new Map<EvalHash, Evaluation>();
  return overTheWire<Cache>({
    read(evals) {
      const found = evals.flatMap((hash) => evaluations.get(hash) ?? []);
      return new Map(found.map((evaluation) => [evaluation.hash, evaluation]));
    },
    write(written) {
      for (const evaluation of written) evaluations.set(evaluation.hash, evaluation);
    },
  });
}

export function memoryAttempts(): Attempts {
  const records = new Map<string, AttemptRecord>();
  const cancelled = new Set<RunId>();
  const keyOf = (run: RunId, evaluation: EvalHash) => `${run}/${evaluation}`;

  function held(run: RunId, evaluation: EvalHash, attempt: number, holder: string): AttemptRecord | undefined {
    const record = records.get(keyOf(run, evaluation));
    return record?.attempt === attempt && record.holder === holder ? record : undefined;
  }

  return overTheWire<Attempts>({
    claim(run, evaluation, attempt, holder) {
      const record = records.get(keyOf(run, evaluation));
      if (cancelled.has(run) || (record && record.attempt >= attempt)) return 'refused';
      records.set(keyOf(run, evaluation), { attempt, holder });
      return 'claimed';
    },
    holds(run, evaluation, attempt, holder) {
      return !cancelled.has(run) && held(run, evaluation, attempt, holder) !== undefined;
    },
    finish(run, evaluation, attempt, holder, outcome) {
      const record = held(run, evaluation, attempt, holder);
      if (!record || record.outcome) return 'refused';
      records.set(keyOf(run, evaluation), { attempt, holder, outcome });
      return 'recorded';
    },
    read(run, evaluations) {
      const found = evaluations.flatMap((hash) => {
        const record = records.get(keyOf(run, hash));
        return record ? [[hash, record] as const] : [];
      });
      return new Map(found);
    },
    cancel(run) {
      cancelled.add(run);
    },
    reopen(run) {
      cancelled.delete(run);
    },
  });
}

export interface MemoryObjects extends Objects {
  readonly stored: ReadonlyMap<string, Uint8Array>;
}

export function memoryObjects(): MemoryObjects {
  const stored = new Map<string, Uint8Array>();
  const port = overTheWire<Objects>({
    put(key, bytes) {
      stored.set(checkKey(key), bytes);
    },
    get(key, range) {
      const bytes = stored.get(checkKey(key));
      return range ? bytes?.slice(range.start, range.end) : bytes;
    },
  });
  return { ...port, stored };
}
