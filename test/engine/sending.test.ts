import { describe, expect, it } from 'vitest';
import type { Executor } from '../../core/engine/executor.ts';
import type { World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { sweep } from '../../core/engine/sweep.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { task } from '../../core/index.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { play, playWorld, start } from '../support/play.ts';

/** Too few to make an array: each is a submission of its own. */
const alone = task('q.alone', { version: '1', executor: 'batch', minArraySize: 10_000 }, (n: number) => n);
const jobs = (count: number) => Array.from({ length: count }, (_, at) => alone(at));

/** Calls `before` ahead of every request. */
function requesting(world: MemoryWorld, before: () => void | Promise<void>): MemoryWorld {
  const submit: Executor['submit'] = async (request) => {
    await before();
    return world.batch.submit(request);
  };
  return withBatch(world, { submit });
}

/** What became of the run's claims. */
async function claimsOf(world: World, run: Parameters<typeof round>[1]) {
  const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
  const count = (type: string) => facts.filter((fact) => fact.type === type).length;
  return { claimed: count('claimed'), acknowledged: count('acknowledged'), withdrawn: count('withdrawn') };
}

describe('requests to the executor', () => {
  it('stay below the account’s 50 a second, however much is ready', async () => {
    const times: number[] = [];
    const memory = playWorld();
    const world = requesting(memory, () => {
      times.push(memory.clock.now());
    });
    const summary = await play(world, await start(world, jobs(150)));
    expect(summary.status).toBe('DONE');
    expect(times).toHaveLength(150);
    const inSecondFrom = (time: number) => times.filter((other) => other >= time && other < time + 1000).length;
    expect(Math.max(...times.map(inSecondFrom))).toBeLessThan(50);
    expect(times.filter((time) => time === times[0]).length).toBeGreaterThan(1);
  });

  it('are no more in a round than can be sent in its time; the rest stays ready, and a wake-up is asked for', async () => {
    const world = playWorld();
    const run = await start(world, jobs(150));
    const hardEnd = world.clock.now() + 6_000;
    await round(world, run, [], { hardEnd });
    const { claimed, acknowledged, withdrawn } = await claimsOf(world, run);
    expect(claimed).toBeGreaterThan(50);
    expect(claimed).toBeLessThan(100);
    expect({ acknowledged, withdrawn }).toEqual({ acknowledged: claimed, withdrawn: 0 });
    expect(world.clock.now()).toBeLessThan(hardEnd);
    expect(world.bus.woken).toContain(run);
    expect((await play(world, run)).status).toBe('DONE');
    expect(world.batch.jobs).toHaveLength(150);
  });

  it('are bounded in every round, also when there is time for more', async () => {
    const world = playWorld();
    const run = await start(world, jobs(250));
    await round(world, run, [], { hardEnd: world.clock.now() + 900_000 });
    expect(world.batch.jobs).toHaveLength(200);
    expect((await play(world, run)).status).toBe('DONE');
  });

  it('end before the deadline when the executor is slow: what was not sent is withdrawn, and sent by a later round', async () => {
    const memory = playWorld();
    const slow = requesting(memory, () => memory.clock.advance(3_000));
    const run = await start(memory, jobs(40));
    const hardEnd = memory.clock.now() + 60_000;
    await round(slow, run, [], { hardEnd });
    expect(memory.clock.now()).toBeLessThan(hardEnd);
    const { claimed, acknowledged, withdrawn } = await claimsOf(memory, run);
    expect(withdrawn).toBeGreaterThan(0);
    expect(acknowledged + withdrawn).toBe(claimed);
    expect(memory.bus.woken).toContain(run);
    expect((await play(memory, run)).status).toBe('DONE');
    expect(memory.batch.jobs).toHaveLength(40);
  });

  it('stop at the first that is throttled', async () => {
    const world = playWorld();
    const run = await start(world, jobs(60));
    for (let at = 0; at < 10; at++) world.batch.answerNext({ kind: 'throttled' });
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(0);
    expect((await claimsOf(world, run)).withdrawn).toBe(60);
    expect((await play(world, run)).status).toBe('DONE');
    expect(world.batch.jobs).toHaveLength(60);
  });

  it('that are denied for who we are stand still, say why, and are sent when that has passed', async () => {
    const world = playWorld();
    const run = await start(world, jobs(60));
    world.batch.answerNext({ kind: 'denied', reason: 'ExpiredTokenException: the token is expired' });
    const { denied } = await round(world, run);
    expect(denied).toBe('ExpiredTokenException: the token is expired');
    const summary = await world.summaries.get(run);
    expect(summary).toMatchObject({ status: 'RUNNING', open: { ready: true } });
    expect(summary?.blocked?.reason).toContain('the executor takes no job of ours: ExpiredTokenException');
    // The claims' own wake-up is answered by nothing: else each round would bring on the next one, for as long as it lasts.
    const woken = world.bus.woken.length;
    expect(await round(world, run)).toMatchObject({ appended: 0, submitted: 0 });
    expect(world.bus.woken).toHaveLength(woken);
    world.clock.advance(300_000);
    world.batch.answerNext({ kind: 'denied', reason: 'AccessDeniedException: not yet' });
    expect((await sweep(world)).failures).toEqual([`${run}: AccessDeniedException: not yet`]);
    world.clock.advance(300_000);
    expect(await sweep(world)).toMatchObject({ rounds: 1, failures: [] });
    expect(world.batch.jobs).toHaveLength(60);
    expect(await world.summaries.get(run)).not.toHaveProperty('blocked');
    expect((await play(world, run)).status).toBe('DONE');
  });

  it('that come back throttled long after another sender took the claim over leave that sender’s claim alone', async () => {
    const memory = playWorld();
    const run = await start(memory, alone(1));
    const other: World = { ...memory, sender: { id: 'sender-2', exclusive: false }, warm: warmGraphs(1) };
    const submit: Executor['submit'] = async () => {
      memory.clock.advance(600_000);
      // Meanwhile the other one looks the claim up, finds nothing, and sends it.
      await round(other, run);
      return { kind: 'throttled' };
    };
    await round(withBatch(memory, { submit }), run);
    expect(await claimsOf(memory, run)).toEqual({ claimed: 2, acknowledged: 1, withdrawn: 0 });
    expect((await play(memory, run)).status).toBe('DONE');
    expect(memory.batch.jobs).toHaveLength(1);
  });

  it('are not sent by one that was frozen past its time while it waited for its turn', async () => {
    const memory = playWorld();
    const run = await start(memory, jobs(60));
    const hardEnd = memory.clock.now() + 60_000;
    const times: number[] = [];
    const world = requesting(memory, () => void times.push(memory.clock.now()));
    // The bucket is empty after 20: the 21st waits, and its process wakes up a minute late.
    const sleep = async () => memory.clock.advance(60_000);
    await round({ ...world, clock: { ...memory.clock, now: () => memory.clock.now(), sleep } }, run, [], { hardEnd });
    expect(times).toHaveLength(20);
    expect(Math.max(...times)).toBeLessThan(hardEnd);
    expect(await claimsOf(memory, run)).toEqual({ claimed: 60, acknowledged: 20, withdrawn: 40 });
    expect((await play(memory, run)).status).toBe('DONE');
    expect(memory.batch.jobs).toHaveLength(60);
  });
});
