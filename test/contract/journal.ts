/** What every journal does: one writer per sequence, and readers that see all of it in order. */

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Entry, Journal } from '../../core/engine/ports.ts';
import type { Fact } from '../../core/graph/facts.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId, SubmissionId } from '../../core/values/ids.ts';

let count = 0;
const freshRun = (): RunId => `run${Date.now()}${count++}` as RunId;

const someFacts: Fact[] = [
  { type: 'missed', evals: [digest('test', 'a') as EvalHash] },
  { type: 'acknowledged', submission: '1-abc-0' as SubmissionId, ids: ['job-ü-1'] },
];

function entry(run: RunId, sequence: number, facts: readonly Fact[] = someFacts): Entry {
  return { run, sequence, nonce: randomBytes(8).toString('hex'), at: 1_800_000_000_000 + sequence, facts };
}

/** Incompressible facts of about `bytes` bytes. */
export function largeFacts(bytes: number): Fact[] {
  return [{ type: 'cancelled', at: 0, reason: randomBytes(bytes).toString('base64') }];
}

/** Each call of `open` gives a view of the same journals, as another process would have it. */
export function journalContract(name: string, open: () => Promise<Journal>): void {
  describe(`${name} keeps journals`, () => {
    it('and gives entries back as they were written, in order', async () => {
      const [journal, run] = [await open(), freshRun()];
      const entries = [entry(run, 1), entry(run, 2, []), entry(run, 3)];
      for (const each of entries) expect(await journal.append(each)).toBe('appended');
      expect(await journal.readAfter(run, 0)).toEqual(entries);
    });

    it('and reads only the tail that was asked for', async () => {
      const [journal, run] = [await open(), freshRun()];
      const entries = Array.from({ length: 12 }, (_, at) => entry(run, at + 1));
      for (const each of entries) await journal.append(each);
      expect(await journal.readAfter(run, 9)).toEqual(entries.slice(9));
      expect(await journal.readAfter(run, 12)).toEqual([]);
      expect(await journal.readAfter(run, 40)).toEqual([]);
    });

    it('each run by itself', async () => {
      const [journal, run, other] = [await open(), freshRun(), freshRun()];
      await journal.append(entry(run, 1));
      expect(await journal.readAfter(other, 0)).toEqual([]);
      expect(await journal.append(entry(other, 1))).toBe('appended');
    });

    it('with the first entry of a sequence, whoever comes later', async () => {
      const [journal, run] = [await open(), freshRun()];
      const first = entry(run, 1);
      await journal.append(first);
      expect(await journal.append(entry(run, 1, []))).toBe('taken');
      expect(await journal.append(first)).toBe('taken');
      expect(await journal.readAfter(run, 0)).toEqual([first]);
    });

    it('with exactly one of many entries that race for one sequence', async () => {
      const [views, run] = [await Promise.all(Array.from({ length: 8 }, open)), freshRun()];
      const racers = views.map(() => entry(run, 1));
      const answers = await Promise.all(views.map((view, at) => view.append(racers[at] as Entry)));
      expect(answers.filter((answer) => answer === 'appended')).toHaveLength(1);
      expect(await views[0]?.readAfter(run, 0)).toEqual([racers[answers.indexOf('appended')]]);
    });

    it('whose entries may be larger than an item of any database', async () => {
      const [journal, run] = [await open(), freshRun()];
      const large = entry(run, 1, largeFacts(600_000));
      expect(await journal.append(large)).toBe('appended');
      expect(await journal.append(entry(run, 1, largeFacts(600_000)))).toBe('taken');
      expect(await journal.readAfter(run, 0)).toEqual([large]);
    });

    it('of any length', async () => {
      const [journal, run] = [await open(), freshRun()];
      const facts = largeFacts(10_000);
      const entries = Array.from({ length: 120 }, (_, at) => entry(run, at + 1, facts));
      await Promise.all(entries.map((each) => journal.append(each)));
      expect(await journal.readAfter(run, 0)).toEqual(entries);
    });
  });
}
