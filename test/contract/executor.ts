/** What every kind of executor does, whatever its jobs run on. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Executor,
  type ExecutorJob,
  endOf,
  type JobReport,
  type SubmissionRequest,
} from '../../core/engine/executor.ts';
import { CAUSES } from '../../core/values/causes.ts';
import { until } from '../local/fixture.ts';
import { submission } from '../support/submission.ts';

/** The specs of jobs that do as they are called. */
export const SPECS = { well: 'specs/well', failing: 'specs/failing', endless: 'specs/endless' } as const;

/** A runner that does as the specs say. */
export const CONTRACT_RUNNER = [
  '/bin/sh',
  '-c',
  'case $REDEX_SPEC in specs/endless) exec sleep 100;; specs/failing) exit 3;; *) exit 0;; esac',
];

export interface ExecutorUnderTest {
  readonly executor: Executor;
  /** Lets jobs go on, where they do not by themselves. */
  goOn?(): void;
  close?(): Promise<void>;
}

/** Each call of `open` gives an executor, of which one test is made. */
export function executorContract(name: string, open: () => ExecutorUnderTest | Promise<ExecutorUnderTest>): void {
  describe(`${name} is an executor`, () => {
    let opened: ExecutorUnderTest | undefined;
    const tested = async () => {
      opened = await open();
      return opened;
    };
    afterEach(async () => await opened?.close?.());
    let count = 0;

    const request = (spec: string, size: number): SubmissionRequest => {
      const request = submission({ spec, size });
      return { ...request, name: `${request.name}-${count++}` };
    };
    const submitted = async ({ executor }: ExecutorUnderTest, asked: SubmissionRequest): Promise<string> => {
      const outcome = await executor.submit(asked);
      if (outcome.kind !== 'accepted') throw new Error(`it was not accepted: ${JSON.stringify(outcome)}`);
      return outcome.id;
    };
    const reportOn = async ({ executor }: ExecutorUnderTest, job: ExecutorJob): Promise<JobReport> => {
      const [report, ...more] = await executor.look([job]);
      if (!report || more.length > 0) throw new Error(`there are ${more.length + (report ? 1 : 0)} reports`);
      return report;
    };
    const ended = ({ executor, goOn }: ExecutorUnderTest, job: ExecutorJob): Promise<JobReport> =>
      until(async () => {
        goOn?.();
        return (await executor.look([job])).find(endOf);
      });

    it('that says what it can take', async () => {
      const { limits } = (await tested()).executor;
      const { lookupLagMs, ...counts } = limits;
      for (const limit of Object.values(counts)) expect(limit).toBeGreaterThanOrEqual(1);
      expect(lookupLagMs).toBeGreaterThanOrEqual(0);
    });

    it('whose jobs are known by ids of their own', async () => {
      const { ids } = (await tested()).executor;
      const jobs: ExecutorJob[] = [
        { submission: 'a-1' },
        { submission: 'a-1', index: 0 },
        { submission: 'a-1', index: 12 },
      ];
      expect(jobs.map(ids.of).map(ids.parse)).toEqual(jobs);
      expect(new Set(jobs.map(ids.of)).size).toBe(jobs.length);
    });

    it('that finds what it accepted by its name, and nothing by another', async () => {
      const under = await tested();
      const { executor } = under;
      const asked = request(SPECS.well, 1);
      const id = await submitted(under, asked);
      expect(await executor.find(asked.name, undefined)).toEqual([id]);
      expect(await executor.find(`${asked.name}x`, undefined)).toEqual([]);
    });

    it('that accepts the same request twice, and finds both', async () => {
      const under = await tested();
      const asked = request(SPECS.well, 1);
      const both = [await submitted(under, asked), await submitted(under, asked)];
      expect((await under.executor.find(asked.name, undefined)).sort()).toEqual(both.sort());
    });

    it('that reports on a job under its name, from its beginning to its end', async () => {
      const under = await tested();
      const asked = request(SPECS.well, 1);
      const id = await submitted(under, asked);
      const first = await reportOn(under, { submission: id });
      expect(first).toMatchObject({ job: { submission: id }, name: asked.name, times: {} });
      expect(first.job).not.toHaveProperty('index');
      const last = await ended(under, { submission: id });
      expect(last).toMatchObject({ job: { submission: id }, name: asked.name });
      expect(endOf(last)).toMatchObject({ ended: 'well', said: expect.any(String) });
    });

    it('that says why a job failed by one of the causes, and its exit code', async () => {
      const under = await tested();
      const id = await submitted(under, request(SPECS.failing, 1));
      const end = endOf(await ended(under, { submission: id }));
      expect(Object.keys(CAUSES)).toContain(end?.ended);
      expect(end).toMatchObject({ ended: 'program', exitCode: 3 });
    });

    it('that reports on an array and on each of its jobs', async () => {
      const under = await tested();
      const asked = request(SPECS.well, 3);
      const id = await submitted(under, asked);
      const jobs = [0, 1, 2].map((index) => ({ submission: id, index }));
      for (const job of jobs) expect(await ended(under, job)).toMatchObject({ job, name: asked.name });
      const whole = await ended(under, { submission: id });
      expect(whole).toMatchObject({ name: asked.name, state: { is: 'over', ended: 'well' } });
      expect(whole.job).toEqual({ submission: id });
      expect(await under.executor.look([...jobs, { submission: id }])).toHaveLength(4);
    });

    it('that knows nothing of jobs that it does not have', async () => {
      const { executor } = await tested();
      expect(await executor.look([])).toEqual([]);
      expect(await executor.look([{ submission: 'none' }, { submission: 'none', index: 1 }])).toEqual([]);
    });

    it.each(['cancelling', 'failing'] as const)('that stops all jobs of a submission: %s', async (reason) => {
      const under = await tested();
      const [single, array] = [request(SPECS.endless, 1), request(SPECS.endless, 2)];
      const ids = [await submitted(under, single), await submitted(under, array)];
      for (const id of ids) await under.executor.stop(id, reason);
      const jobs = [{ submission: ids[0] ?? '' }, ...[0, 1].map((index) => ({ submission: ids[1] ?? '', index }))];
      // Nobody's fault: it costs no attempt.
      for (const job of jobs) expect(endOf(await ended(under, job))?.ended).toBe('interrupted');
      await under.executor.stop(ids[0] ?? '', reason);
      expect(endOf(await reportOn(under, jobs[0] ?? { submission: '' }))?.ended).toBe('interrupted');
    });

    it('that does not mind being told to stop what it does not have', async () => {
      const under = await tested();
      await expect(under.executor.stop('none', 'cancelling')).resolves.toBeUndefined();
      const id = await submitted(under, request(SPECS.well, 1));
      await ended(under, { submission: id });
      await under.executor.stop(id, 'cancelling');
      expect(endOf(await reportOn(under, { submission: id }))?.ended).toBe('well');
    });
  });
}
