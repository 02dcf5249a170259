import { beforeEach, describe, expect, it } from 'vitest';
import { type DryRun, type DryWorld, dryRun, readOnly } from '../../core/engine/dry-run.ts';
import { launch } from '../../core/engine/launch.ts';
import type { World } from '../../core/engine/ports.ts';
import { add, type File, file, map, task, v } from '../../core/index.ts';
import { provideFileAccess } from '../../core/library/contents.ts';
import type { FileAccess } from '../../core/values/classes.ts';
import { digest } from '../../core/values/hash.ts';
import { withCode } from '../support/changed-code.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { plain, play, playWorld } from '../support/play.ts';

const v1 = { version: '1' };
const bundle = digest('test', 'bundle');
let ran: string[] = [];
let heavyFails = false;
let world: MemoryWorld;
beforeEach(() => {
  ran = [];
  heavyFails = false;
  world = playWorld();
  world.files.versions.set('in/x', '1');
});

task(
  'd.main',
  {
    ...v1,
    params: v.object({
      input: v.optional(v.file(), 'in/x'),
      n: v.optional(v.number(), 1),
      size: v.optional(v.number(), 2),
    }),
  },
  ({ input, n, size }) => {
    ran.push('main');
    return { found: summarise(heavy(input, n)), parts: map(heavyPart, list(size)), noted: note(n) };
  },
);
const heavy = task('d.heavy', { ...v1, executor: 'batch' }, (input: File, n: number) => {
  ran.push('heavy');
  if (heavyFails) throw new Error('broken');
  return `${input.location} ${n}`;
});
const heavyPart = task('d.heavy_part', { ...v1, executor: 'batch' }, (n: number) => n);
const list = task('d.list', v1, (size: number) => {
  ran.push('list');
  return Array.from({ length: size }, (_, at) => at);
});
const summarise = task('d.summarise', v1, (text: string) => text.length);
const note = task('d.note', { ...v1, effects: true }, (n: number) => {
  ran.push('note');
  return n;
});
task('d.writer', { ...v1, params: v.object({}) }, () => add(writes(), 1));
const writes = task('d.writes', v1, () =>
  file('out/y')
    .write('text')
    .then(() => 1),
);
task('d.failing', { ...v1, params: v.object({}) }, () => fails());
const fails = task('d.fails', v1, (): number => {
  throw new RangeError('never works');
});

async function run(args: Record<string, unknown> = {}, workflow = 'd.main'): Promise<void> {
  world.clock.advance(1000);
  const launched = await launch(world, { workflow, args, bundle });
  if (!launched.ok) throw new Error('not started');
  await play(world, launched.run);
}

interface Asked {
  readonly args?: Record<string, unknown>;
  readonly workflow?: string;
  readonly cache?: boolean;
}

async function plan({ args = {}, workflow = 'd.main', cache = true }: Asked = {}): Promise<DryRun> {
  ran = [];
  const dry = await dryRun(world, { workflow, args, bundle, cache });
  if (!dry.ok) throw new Error('refused');
  return dry.plan;
}

function reasons({ jobs }: DryRun): Record<string, unknown> {
  return Object.fromEntries(jobs.map(({ task, reason }) => [task, reason]));
}

/** Every method that writes throws, and so does reading that is not asked for. */
function unwritable(given: World): DryWorld {
  const refuse = (): never => {
    throw new Error('a dry run wrote');
  };
  return {
    clock: given.clock,
    files: given.files,
    host: given.host,
    cache: { read: given.cache.read, write: refuse },
    journal: { readAfter: given.journal.readAfter, append: refuse },
    objects: { get: given.objects.get, put: refuse },
    summaries: { list: given.summaries.list, get: given.summaries.get, put: refuse },
    ...({ attempts: refuse, batch: refuse, bus: refuse, warm: refuse } as object),
  };
}

describe('a dry run', () => {
  // Acceptance: 51.
  it('writes nothing: every port that writes may throw', async () => {
    await run();
    for (const args of [{}, { n: 5 }, { size: 3000 }]) {
      const dry = await dryRun(unwritable(world), { workflow: 'd.main', args, bundle });
      expect(dry.ok).toBe(true);
    }
    expect(world.batch.jobs).toHaveLength(1);
  });

  // Acceptance: 51.
  it('runs inline tasks, except those marked effects: true', async () => {
    const { jobs } = await plan();
    expect(ran).toEqual(['main', 'list']);
    expect(jobs.map(({ task, looked, executor }) => [task, looked, executor])).toEqual([
      ['d.main', true, 'inline'],
      ['d.heavy', false, 'batch'],
      ['d.note', false, 'inline'],
      ['d.list', true, 'inline'],
      ['d.heavy_part', false, 'batch'],
      ['d.heavy_part', false, 'batch'],
    ]);
    expect(jobs.at(-1)?.calls).toEqual(['d.main', 'd.heavy_part']);
  });

  it('leaves an inline task out that turns out to write a file', async () => {
    const written = () => Promise.reject(new Error('written'));
    provideFileAccess(readOnly({ write: written } as unknown as FileAccess));
    const { jobs, failure } = await plan({ workflow: 'd.writer' });
    expect(failure).toBeUndefined();
    expect(jobs.map(({ task, looked }) => [task, looked])).toEqual([
      ['d.writer', true],
      ['d.writes', false],
    ]);
  });

  it('says how much is cached, where the knowable part ends, and the value when nothing is left to run', async () => {
    expect(await plan()).toMatchObject({ cached: 0, waiting: { 'd.summarise': 1 } });
    await run();
    const same = await plan();
    expect(same).toMatchObject({ cached: 7, jobs: [], waiting: {} });
    expect(plain(same.value as never)).toEqual({ found: 6, parts: [0, 1], noted: 1 });
    expect(ran).toEqual([]);
  });

  it('says where the run would fail', async () => {
    const { failure } = await plan({ workflow: 'd.failing' });
    expect(failure).toEqual({ calls: ['d.failing', 'd.fails'], error: 'RangeError: never works' });
  });

  it('refuses what a run would refuse', async () => {
    expect((await dryRun(world, { workflow: 'd.main', args: { n: 'x' }, bundle })).ok).toBe(false);
    expect((await dryRun(world, { workflow: 'd.nothing', args: {}, bundle })).ok).toBe(false);
  });

  it('says which file cannot be looked at', async () => {
    world.files.unseen.set('in/x', 'its server is down');
    const { failure } = await plan();
    expect(failure?.error).toBe('NetworkError: in/x cannot be reached: its server is down');
  });

  // Acceptance: 51.
  it.each<[string, () => Promise<DryRun>, Record<string, unknown>]>([
    ['a new task', () => plan(), { 'd.main': { kind: 'new task' }, 'd.heavy': { kind: 'new task' } }],
    [
      'new arguments, and which',
      () => plan({ args: { n: 2 } }),
      {
        'd.main': { kind: 'new arguments', arguments: ['n'] },
        'd.heavy': { kind: 'new arguments', arguments: ['argument 2'] },
        'd.note': { kind: 'new arguments', arguments: ['argument 1'] },
      },
    ],
    [
      'changed code',
      () => {
        world = withCode(world, { 'd.heavy': 'edited' });
        return plan();
      },
      { 'd.heavy': { kind: 'changed code' } },
    ],
    [
      'a changed input, and which',
      () => {
        world.files.versions.set('in/x', '2');
        return plan();
      },
      {
        'd.main': { kind: 'changed file', files: ['in/x'] },
        'd.heavy': { kind: 'changed file', files: ['in/x'] },
      },
    ],
    [
      'the cache being off',
      () => plan({ cache: false }),
      { 'd.main': { kind: 'cache off' }, 'd.heavy': { kind: 'cache off' } },
    ],
  ])('says of each job that would run why: %s', async (what, ask, expected) => {
    if (what !== 'a new task') await run();
    expect(reasons(await ask())).toMatchObject(expected);
  });

  it('says of each job that would run why: an altered output, and a result that was never there', async () => {
    const make = task('d.make', v1, () => file('out/z'));
    task('d.makes', { ...v1, params: v.object({}) }, () => make());
    world = playWorld();
    world.files.versions.set('out/z', '1');
    await run({}, 'd.makes');
    world.files.versions.set('out/z', '2');
    expect(reasons(await plan({ workflow: 'd.makes' }))).toEqual({
      'd.make': { kind: 'changed file', files: ['out/z'] },
    });
    world.files.versions.set('in/x', '1');
    heavyFails = true;
    await run();
    expect(reasons(await plan())).toEqual({ 'd.heavy': { kind: 'no result' } });
  });
});
