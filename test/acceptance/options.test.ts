/** Options, context, tags and limits: docs/acceptance.md, lines 9 and 24 to 26. */
import { beforeEach, describe, expect, it } from 'vitest';
import { round } from '../../core/engine/round.ts';
import { add, context, map, task } from '../../core/index.ts';
import { memoryObjects } from '../support/memory/storage.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { evaluate, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
const plain = task('o.plain', { ...v1, executor: 'batch' }, (n: number) => n);
const big = task('o.big', { ...v1, executor: 'batch', memory: 8, vcpus: 2 }, (n: number) => n);
const size = task('o.size', v1, (n: number) => n * 2);
const batch = { type: 'batch', memory: 2, vcpus: 1, queue: 'slow', timeoutSeconds: 60 } as const;

function resources(world: MemoryWorld) {
  return world.batch.jobs.map(({ request }) => request.resources);
}

describe('options', () => {
  // Acceptance: 9.
  it("of the call beat the task's, which beat the executor's", async () => {
    const world = playWorld({ executors: { batch } });
    await evaluate(world, [plain(1), big(2), big.options({ memory: 16 })(3)]);
    expect(resources(world)).toMatchObject([
      { memory: 2, vcpus: 1, queue: 'slow', timeoutSeconds: 60 },
      { memory: 8, vcpus: 2, queue: 'slow', timeoutSeconds: 60 },
      { memory: 16, vcpus: 2, queue: 'slow', timeoutSeconds: 60 },
    ]);
  });

  it("of an executor's scratch space send specs there, where there is S3", async () => {
    const scratch = 's3://own/redex/';
    const world = playWorld({ executors: { batch: { ...batch, scratch } } });
    const own = memoryObjects();
    const opened: string[] = [];
    const open = (location: string) => {
      opened.push(location);
      return own;
    };
    const run = await start(world, plain(1));
    await round({ ...world, scratch: open }, run);
    const [request] = world.batch.jobs.map((job) => job.request);
    expect(opened).toEqual([scratch]);
    expect([...own.stored.keys()]).toEqual([request?.spec]);
    expect(request?.resources.scratch).toBe(scratch);
    const local = playWorld({ executors: { batch: { ...batch, scratch } } });
    expect(await evaluate(local, plain(1))).toBe(1);
    expect(resources(local)[0]).not.toHaveProperty('scratch');
  });

  // Acceptance: 9.
  it('may be lazy, and do not enter hashes: other resources run nothing again', async () => {
    const world = playWorld();
    await evaluate(world, big.options({ memory: size(size(3)), vcpus: add(1, 2) })(1));
    expect(resources(world)).toMatchObject([{ memory: 12, vcpus: 3 }]);
    await evaluate(world, [big(1), big.options({ memory: 64 })(1)]);
    expect(world.batch.jobs).toHaveLength(1);
  });

  it('that do not go together, wherever each was given, are refused at the call', async () => {
    const world = playWorld({ executors: { batch: { ...batch, memoryMax: 12 } } });
    await evaluate(world, big(1));
    await expect(evaluate(world, big.options({ memory: 16 })(2))).rejects.toThrow(
      "o.big: the option 'memoryMax' must be no less than memory, which is 16, and is 12",
    );
  });

  it('say where secrets are, the nearest for all of them, and jobs with the same ones are one array', async () => {
    const world = playWorld({ executors: { batch: { ...batch, secrets: { KEY: { env: 'A' } } } } });
    const own = plain.options({ secrets: { TOKEN: { file: 'b' } } });
    await evaluate(world, [plain(1), plain(2), own(3), plain.options({ secrets: {} })(4)]);
    expect(world.batch.jobs.map(({ request }) => [request.size, request.resources.secrets])).toEqual([
      [2, { KEY: { env: 'A' } }],
      [1, { TOKEN: { file: 'b' } }],
      [1, {}],
    ]);
    // In no hash: the same calls with other secrets run nothing again.
    await evaluate(world, [own(1), own(2), plain(3), own(4)]);
    expect(world.batch.jobs).toHaveLength(3);
  });

  it('that give secrets to what runs in the engine are refused at the call', async () => {
    await expect(evaluate(playWorld(), size.options({ secrets: { KEY: { env: 'A' } } })(2))).rejects.toThrow(
      "o.size: secrets are for jobs, and the executor 'inline' runs none: name one of the type 'batch'",
    );
  });

  it('given to a mapped task are those of every element', async () => {
    const world = playWorld();
    expect(await evaluate(world, map(big.options({ memory: 5 }), [1, 2, 3]))).toEqual([1, 2, 3]);
    expect(world.batch.jobs.map(({ request }) => [request.size, request.resources.memory])).toEqual([[3, 5]]);
  });
});

describe('the context', () => {
  let ran = 0;
  beforeEach(() => {
    ran = 0;
  });
  const where = task('o.where', v1, () => {
    ran++;
    return { place: context('place.name', 'nowhere'), other: context('place.floor', 0) };
  });
  const outer = task('o.outer', v1, () => where());

  // Acceptance: 24.
  it('is read by path with a default, and overridden for everything below a call', async () => {
    const world = playWorld({ context: { place: { name: 'lab' } } });
    const moved = outer.options({ context: { place: { name: 'field', floor: 2 } } });
    expect(await evaluate(world, [where(), moved(), outer()])).toEqual([
      { place: 'lab', other: 0 },
      { place: 'field', other: 2 },
      { place: 'lab', other: 0 },
    ]);
  });

  // Acceptance: 24.
  it("makes different contexts different jobs that share a function's execution", async () => {
    const world = playWorld();
    const here = where.options({ context: { place: { name: 'here' } } });
    const summary = await play(world, await start(world, [where(), here()]));
    expect(summary.tally).toMatchObject({ 'o.where': { done: 2 } });
    expect(ran).toBe(1);
  });
});

describe('tags', () => {
  // Acceptance: 25.
  it('of a job go to its executor and change nothing else', async () => {
    const world = playWorld();
    await evaluate(world, plain.options({ tags: { project: 'lambda' } })(1));
    expect(resources(world)).toMatchObject([{ tags: { project: 'lambda' } }]);
    await evaluate(world, plain.options({ tags: { project: 'other' } })(1));
    expect(world.batch.jobs).toHaveLength(1);
  });
});

describe('a name that every object knows', () => {
  it('is no option and no executor', async () => {
    const world = playWorld();
    const odd = { constructor: 1 } as never;
    await expect(evaluate(world, plain.options(odd)(1))).rejects.toThrow("there is no option 'constructor'");
    await expect(evaluate(world, plain.options({ executor: 'toString' })(1))).rejects.toThrow(
      "there is no executor 'toString'",
    );
  });
});

describe('limits', () => {
  const query = task('o.query', { ...v1, executor: 'batch', limits: { db: 2 } }, (n: number) => n);

  // Acceptance: 26.
  it('cap what is in flight across a run, counting how much each job takes; cached jobs take none', async () => {
    const world = playWorld({ limits: { db: 5 } });
    const submitted: number[] = [];
    const between = () => void submitted.push(world.batch.jobs.reduce((sum, { request }) => sum + request.size, 0));
    const queries = [1, 2, 3, 4, 5].map((n) => query(n));
    expect(await evaluate(world, queries, { between })).toEqual([1, 2, 3, 4, 5]);
    expect(submitted).toEqual([2, 4, 5]);
    // With one new job beside five cached ones there is room for it at once.
    const summary = await play(world, await start(world, [...queries, query(6)]));
    expect(totals(summary)).toMatchObject({ cached: 5, done: 1 });
  });

  it('fail a job that takes more than there is, or no number, since it would wait for ever', async () => {
    const world = playWorld({ limits: { db: 1 } });
    await expect(evaluate(world, query(1))).rejects.toThrow("o.query: it takes 2 of the limit 'db', which is 1 in all");
    const odd = query.options({ limits: { db: 'all' as never } });
    await expect(evaluate(world, odd(2))).rejects.toThrow("o.query: the option 'limits.db' must be a number");
  });

  it('cut an array to the room left and leave jobs that do not name them alone', async () => {
    const world = playWorld({ limits: { db: 2 } });
    await evaluate(world, [query(1), query(2), plain(1), plain(2), plain(3)]);
    expect(world.batch.jobs.map(({ request }) => request.size)).toEqual([4, 1]);
  });
});
