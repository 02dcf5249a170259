/** What every keeper of claims does: the fencing token of a job's work. */

import { describe, expect, it } from 'vitest';
import type { Attempts, Outcome } from '../../core/engine/ports.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';

export const outcomeOf = (value: string): Outcome => ({ ok: true, expression: [value], measured: { exitCode: 0 } });

let count = 0;
const freshRun = (): RunId => `run${Date.now()}${count++}` as RunId;
const evaluation = digest('test', 'evaluation') as EvalHash;
const another = digest('test', 'another evaluation') as EvalHash;

/** Each call of `open` gives a view of the same records, as another process would have it. */
export function attemptsContract(name: string, open: () => Promise<Attempts>): void {
  claims(name, open);
  outcomes(name, open);
  races(name, open);
}

function claims(name: string, open: () => Promise<Attempts>): void {
  describe(`${name} grants claims`, () => {
    it('to the first who asks, and refuses whoever asks later for the same attempt', async () => {
      const [attempts, run] = [await open(), freshRun()];
      expect(await attempts.claim(run, evaluation, 1, 'job-a')).toBe('claimed');
      expect(await attempts.claim(run, evaluation, 1, 'job-b')).toBe('refused');
      expect(await attempts.claim(run, evaluation, 1, 'job-c')).toBe('refused');
      expect(await attempts.read(run, [evaluation])).toEqual(new Map([[evaluation, { attempt: 1, holder: 'job-a' }]]));
    });

    it('to a higher attempt, and never to a lower one', async () => {
      const [attempts, run] = [await open(), freshRun()];
      expect(await attempts.claim(run, evaluation, 2, 'job-a')).toBe('claimed');
      expect(await attempts.claim(run, evaluation, 1, 'job-b')).toBe('refused');
      expect(await attempts.claim(run, evaluation, 10, 'job-c')).toBe('claimed');
      expect(await attempts.claim(run, evaluation, 9, 'job-d')).toBe('refused');
      expect((await attempts.read(run, [evaluation])).get(evaluation)).toEqual({ attempt: 10, holder: 'job-c' });
    });

    it('apart for every evaluation and every run', async () => {
      const [attempts, run, other] = [await open(), freshRun(), freshRun()];
      expect(await attempts.claim(run, evaluation, 1, 'job-a')).toBe('claimed');
      expect(await attempts.claim(run, another, 1, 'job-b')).toBe('claimed');
      expect(await attempts.claim(other, evaluation, 1, 'job-c')).toBe('claimed');
      expect((await attempts.read(run, [evaluation, another])).size).toBe(2);
      expect((await attempts.read(other, [evaluation, another])).size).toBe(1);
    });

    it('and says who holds the work: only the last who claimed it', async () => {
      const [attempts, run] = [await open(), freshRun()];
      expect(await attempts.holds(run, evaluation, 1, 'job-a')).toBe(false);
      await attempts.claim(run, evaluation, 1, 'job-a');
      expect(await attempts.holds(run, evaluation, 1, 'job-a')).toBe(true);
      expect(await attempts.holds(run, evaluation, 1, 'job-b')).toBe(false);
      expect(await attempts.holds(run, evaluation, 2, 'job-a')).toBe(false);
      await attempts.claim(run, evaluation, 2, 'job-b');
      expect(await attempts.holds(run, evaluation, 1, 'job-a')).toBe(false);
      expect(await attempts.holds(run, evaluation, 2, 'job-b')).toBe(true);
    });

    it('to nobody once the run is cancelled, and then nobody holds anything', async () => {
      const [attempts, run, other] = [await open(), freshRun(), freshRun()];
      await attempts.claim(run, evaluation, 1, 'job-a');
      await attempts.cancel(run);
      await attempts.cancel(run);
      expect(await attempts.holds(run, evaluation, 1, 'job-a')).toBe(false);
      expect(await attempts.claim(run, evaluation, 2, 'job-b')).toBe('refused');
      expect(await attempts.claim(run, another, 1, 'job-c')).toBe('refused');
      expect((await attempts.read(run, [another])).size).toBe(0);
      expect(await attempts.claim(other, evaluation, 1, 'job-d')).toBe('claimed');
    });

    it('again once a cancelled run is taken up again', async () => {
      const [attempts, run] = [await open(), await freshRun()];
      await attempts.claim(run, evaluation, 1, 'job-a');
      await attempts.cancel(run);
      await attempts.reopen(run);
      await attempts.reopen(run);
      expect(await attempts.claim(run, evaluation, 2, 'job-b')).toBe('claimed');
    });
  });
}

function outcomes(name: string, open: () => Promise<Attempts>): void {
  describe(`${name} records outcomes`, () => {
    it('of the holder, once', async () => {
      const [attempts, run] = [await open(), freshRun()];
      await attempts.claim(run, evaluation, 1, 'job-a');
      expect(await attempts.finish(run, evaluation, 1, 'job-a', outcomeOf('first'))).toBe('recorded');
      expect(await attempts.finish(run, evaluation, 1, 'job-a', outcomeOf('second'))).toBe('refused');
      expect((await attempts.read(run, [evaluation])).get(evaluation)).toEqual({
        attempt: 1,
        holder: 'job-a',
        outcome: outcomeOf('first'),
      });
    });

    it('and failures with all that was measured', async () => {
      const [attempts, run] = [await open(), freshRun()];
      const outcome: Outcome = {
        ok: false,
        error: [
          ['record', ['exitCode'], []],
          ['error', 'ScriptError', ['ScriptError', 'Error'], 'exited "1"\n\u0000 é', 0],
        ],
        measured: {
          startedAt: 1,
          endedAt: 2,
          cpuSeconds: 0.25,
          memoryPeakBytes: 5e9,
          exitCode: 1,
          host: 'h',
          log: 'l',
        },
      };
      await attempts.claim(run, evaluation, 1, 'job-a');
      await attempts.finish(run, evaluation, 1, 'job-a', outcome);
      expect((await attempts.read(run, [evaluation])).get(evaluation)?.outcome).toEqual(outcome);
    });

    it('of nobody else: no claim, another holder, another attempt', async () => {
      const [attempts, run] = [await open(), freshRun()];
      expect(await attempts.finish(run, evaluation, 1, 'job-a', outcomeOf('x'))).toBe('refused');
      await attempts.claim(run, evaluation, 2, 'job-a');
      expect(await attempts.finish(run, evaluation, 2, 'job-b', outcomeOf('x'))).toBe('refused');
      expect(await attempts.finish(run, evaluation, 1, 'job-a', outcomeOf('x'))).toBe('refused');
      await attempts.claim(run, evaluation, 3, 'job-b');
      expect(await attempts.finish(run, evaluation, 2, 'job-a', outcomeOf('x'))).toBe('refused');
      expect((await attempts.read(run, [evaluation])).get(evaluation)).toEqual({ attempt: 3, holder: 'job-b' });
    });

    it('also of a run that was cancelled meanwhile', async () => {
      const [attempts, run] = [await open(), freshRun()];
      await attempts.claim(run, evaluation, 1, 'job-a');
      await attempts.cancel(run);
      expect(await attempts.finish(run, evaluation, 1, 'job-a', outcomeOf('late'))).toBe('recorded');
    });

    it('and reads hundreds of them at once, leaving out what is not there', async () => {
      const [attempts, run] = [await open(), freshRun()];
      const evaluations = Array.from({ length: 250 }, (_, at) => digest('test', `${at}`) as EvalHash);
      await Promise.all(evaluations.slice(0, 200).map((each) => attempts.claim(run, each, 1, 'job-a')));
      const records = await attempts.read(run, [...evaluations, ...evaluations]);
      expect(records.size).toBe(200);
      expect(records.has(evaluations[249] as EvalHash)).toBe(false);
      expect((await attempts.read(run, [])).size).toBe(0);
    });
  });
}

function races(name: string, open: () => Promise<Attempts>): void {
  describe(`${name} decides races`, () => {
    it('of many claims for one attempt in favour of exactly one', async () => {
      const [views, run] = [await Promise.all(Array.from({ length: 8 }, open)), freshRun()];
      const answers = await Promise.all(views.map((view, at) => view.claim(run, evaluation, 1, `job-${at}`)));
      expect(answers.filter((answer) => answer === 'claimed')).toHaveLength(1);
      const holder = (await (views[0] as Attempts).read(run, [evaluation])).get(evaluation)?.holder;
      expect(holder).toBe(`job-${answers.indexOf('claimed')}`);
    });

    it("of outcomes against higher claims: an outcome that was recorded was the holder's", async () => {
      for (let round = 0; round < 10; round++) {
        const [first, second, run] = [await open(), await open(), freshRun()];
        await first.claim(run, evaluation, 1, 'job-a');
        const [finished, claimed] = await Promise.all([
          first.finish(run, evaluation, 1, 'job-a', outcomeOf('a')),
          second.claim(run, evaluation, 2, 'job-b'),
        ]);
        expect(['recorded', 'refused']).toContain(finished);
        expect(claimed).toBe('claimed');
        expect((await first.read(run, [evaluation])).get(evaluation)).toEqual({ attempt: 2, holder: 'job-b' });
      }
    });

    it('of attempts arriving in any order in favour of the highest', async () => {
      const [views, run] = [await Promise.all(Array.from({ length: 6 }, open)), freshRun()];
      const answers = await Promise.all(views.map((view, at) => view.claim(run, evaluation, 6 - at, `job-${6 - at}`)));
      expect(answers[0]).toBe('claimed');
      expect((await (views[0] as Attempts).read(run, [evaluation])).get(evaluation)?.attempt).toBe(6);
    });
  });
}
