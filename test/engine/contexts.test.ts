import { describe, expect, it } from 'vitest';
import { add, context, task } from '../../core/index.ts';
import { evaluate, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
const heavy = task('c.heavy', { ...v1, executor: 'batch' }, (n: number) => n * 10);
const where = task('c.where', v1, (): string => context<string>('tool', 'none') as never);

describe('a function wanted in several contexts', () => {
  it('24 runs once, whether the first is in flight or has just ended', async () => {
    const world = playWorld();
    const other = heavy.options({ context: { tool: 'bwa' } });
    // In flight: both are asked for at once. Just ended: the second is asked for in the wave that heard of the first.
    expect(await evaluate(world, [heavy(1), other(1), add(other(heavy(0)), 0)])).toEqual([10, 10, 0]);
    expect(world.batch.jobs.reduce((sum, job) => sum + job.request.size, 0)).toBe(2);
  });

  it('24 is evaluated in each', async () => {
    const world = playWorld({ context: { tool: 'samtools' } });
    const large = 'x'.repeat(5000);
    const calls = [
      where(),
      where.options({ context: { tool: 'bwa' } })(),
      where.options({ context: { tool: large } })(),
    ];
    const summary = await play(world, await start(world, calls));
    expect(totals(summary)).toMatchObject({ done: 3 });
    expect(await evaluate(world, calls)).toEqual(['samtools', 'bwa', large]);
  });
});
