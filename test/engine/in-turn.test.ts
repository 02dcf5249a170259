import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dryRun } from '../../core/engine/dry-run.ts';
import { PASS_FACTS_MAX } from '../../core/engine/meet.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { catchError, dir, file, script, seq, task } from '../../core/index.ts';
import { File } from '../../core/values/classes.ts';
import { leavesOf, placesOf } from '../../core/values/contents.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import { SCRIPT_TASK } from '../../core/values/program.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { play, playWorld, start, totals } from '../support/play.ts';
import { scratchFolder } from '../support/project.ts';

/** A world whose scripts make their one output, which has a new version each time; `false` as a text fails. A file that is not as it was given fails too. */
function scriptWorld(): MemoryWorld {
  const world = playWorld();
  let made = 0;
  const run: MemoryWorld['host']['run'] = async (bundle, task, args) => {
    const [target] = placesOf(args).targets;
    if (task !== SCRIPT_TASK || !target) return await world.host.run(bundle, task, args);
    if (args.includes('false')) return { ok: false, error: encode(new Error('failed')) };
    const changed = leavesOf(args).files.find(
      ({ location, version }) => world.files.versions.get(location) !== version,
    );
    if (changed) return { ok: false, error: encode(Object.assign(new Error('changed'), { name: 'InputChanged' })) };
    const version = `v${++made}`;
    world.files.versions.set(target.location, version);
    return { ok: true, table: encode(new File(target.location, version)) };
  };
  return { ...world, host: { ...world.host, run } };
}

const write = (text: string, place: string, inputs: unknown = [], options = {}) =>
  script(text, {
    executor: 'batch',
    ...options,
    inputs,
    outputs: (place.endsWith('/') ? dir(place) : file(place)).stage('x'),
  });

const one = task('t.one', { version: '1' }, (at: number) => at + 1);
const instead = task('t.instead', { version: '1' }, (_error: Error) => write('b', 'out/x'));

describe('two scripts that write one place in turn', () => {
  it.each([
    ['spelled alike', 'out/x', 'out/x'],
    ['spelled in two ways', 'out/x', './out//y/../x'],
    ['by an absolute path with a detour', '/data/x', '/data/../data//x'],
  ])('are refused, in each run alike: %s', async (_, first, second) => {
    const world = scriptWorld();
    for (let runs = 1; runs <= 3; runs++) {
      const summary = await play(world, await start(world, seq([write('a', first), write('b', second)])));
      expect(summary.status).toBe('FAILED');
      expect(summary.traceback).toContain(
        `OutputConflict: redex.script would write ${file(second).location}, which another job of this run has`,
      );
      expect(world.batch.jobs).toHaveLength(1);
    }
  });

  it.each([
    ['a file in its directory', 'out/d/', 'out/d/x'],
    ['the directory that it is in', 'out/d/x', 'out/d/'],
  ])(
    'are refused also where the second one is given what the first one made and writes %s',
    async (_, first, second) => {
      const world = scriptWorld();
      for (let runs = 1; runs <= 2; runs++) {
        const summary = await play(world, await start(world, write('b', second, [write('a', first)])));
        expect(summary.traceback).toContain(`would write ${second}, which another job of this run has written`);
      }
    },
  );

  it('are refused, in each run alike, where outputs are too many to be held inline', async () => {
    const world = scriptWorld();
    const outputs = manyFiles().map(({ location }, at) => file(`out/${location}`).stage(`${at}`));
    const many = (text: string) => script(text, { executor: 'batch', outputs });
    for (let runs = 1; runs <= 3; runs++) {
      const summary = await play(
        world,
        await start(world, seq([many('a'), write('b', 'out/in/../in/a-file-with-a-name-of-some-length-0')])),
      );
      expect(summary.traceback).toContain('which another job of this run has written');
      expect(world.batch.jobs).toHaveLength(1);
    }
  });

  it('are reused together, however many cheap calls come between them', async () => {
    const world = scriptWorld();
    const cheap = () => Array.from({ length: PASS_FACTS_MAX + 10 }, (_, at) => one(at));
    for (let runs = 1; runs <= 2; runs++) {
      const summary = await play(world, await start(world, [write('b', 'out/x', [write('a', 'out/x')]), ...cheap()]));
      expect(summary.status).toBe('DONE');
      expect(world.batch.jobs).toHaveLength(2);
    }
  }, 60_000);

  it('are refused where only a link makes it one place', async () => {
    const root = await scratchFolder((remove) => onTestFinished(remove));
    await mkdir(join(root, 'out'));
    await symlink('out', join(root, 'link'));
    const memory = scriptWorld();
    const { places } = observeFiles({ root });
    const world: MemoryWorld = { ...memory, files: { ...memory.files, places } };
    for (let runs = 1; runs <= 2; runs++) {
      const apart = await play(world, await start(world, seq([write('a', 'out/x'), write('b', 'link/x')])));
      expect(apart.traceback).toContain('would write link/x, which another job of this run has written');
      const atOnce = await play(
        world,
        await start(world, [write('c', 'out/y'), write('d', join(root, 'link/y'))], { cache: false }),
      );
      expect([atOnce.traceback, atOnce.otherErrors].join()).toMatch(
        /would write .*link\/y while redex.script is writing it/,
      );
    }
  });

  it('may do so where the second one is given what the first one made', async () => {
    const world = scriptWorld();
    const program = write('b', 'out/x', [write('a', 'out/x')]);
    expect((await play(world, await start(world, program))).status).toBe('DONE');
    expect(world.batch.jobs).toHaveLength(2);
  });

  it('may do so where the first one failed', async () => {
    const world = scriptWorld();
    const program = catchError(write('false', 'out/x'), 'Error', instead);
    expect((await play(world, await start(world, program))).status).toBe('DONE');
  });
});

/** Appends to one place, given what is there so far. */
const chain = (texts: readonly string[]) =>
  texts.reduce<unknown>((before, text) => write(text, 'out/x', before === undefined ? [] : [before]), undefined);

const inputToo = () => write('b', 'out/x', [write('a', 'out/x'), file('in')]);

const length = task('t.length', { version: '1' }, (made: { version?: string }) => made.version?.length);
const second = task('t.second', { version: '1' }, (_first: unknown, made: unknown) => made);
const kept = task('t.kept', { version: '1' }, () => chain(['a', 'b']));
const after = task('t.after', { version: '1' }, (made: unknown) => write('late', 'out/x', [made]));

describe('scripts that write one place in turn, each given what the one before made', () => {
  const runOf = async (world: MemoryWorld, expression: unknown) => {
    const before = world.batch.jobs.length;
    const summary = await play(world, await start(world, expression));
    return { status: summary.status, ran: world.batch.jobs.length - before, cached: totals(summary).cached };
  };

  it.each([
    ['two', chain(['a', 'b'])],
    ['five', chain(['a', 'b', 'c', 'd', 'e'])],
    ['below other tasks', after(kept())],
    ['of which the first is also used up in between', second(length(write('a', 'out/x')), chain(['a', 'b']))],
    ['with inputs too many to be held inline', write('b', 'out/x', [write('a', 'out/x'), ...manyFiles()])],
  ])('are CACHED the second time: %s', async (_, expression) => {
    const world = scriptWorld();
    for (const { location } of manyFiles()) world.files.versions.set(location, 'v0');
    const first = await runOf(world, expression);
    expect(first).toMatchObject({ status: 'DONE', cached: 0 });
    for (let again = 0; again < 2; again++) {
      expect(await runOf(world, expression)).toMatchObject({ status: 'DONE', ran: 0 });
    }
  });

  const changes: [string, number, unknown, unknown, ((world: MemoryWorld) => void)?][] = [
    [
      'the place was changed by hand',
      2,
      chain(['a', 'b']),
      chain(['a', 'b']),
      (w) => w.files.versions.set('out/x', 'mine'),
    ],
    ['the place was emptied', 2, chain(['a', 'b']), chain(['a', 'b']), (w) => w.files.versions.delete('out/x')],
    ['the second one has other code', 2, chain(['a', 'b']), chain(['a', 'c'])],
    ['the last of three has other code', 3, chain(['a', 'b', 'c']), chain(['a', 'b', 'd'])],
    [
      'the second one has another input, which changed',
      2,
      inputToo(),
      inputToo(),
      (w) => w.files.versions.set('in', 'new'),
    ],
    ['another one is given what the first one made', 2, chain(['a', 'b']), write('r', 'out/y', [write('a', 'out/x')])],
    ['a task is given what the first one made', 1, chain(['a', 'b']), length(write('a', 'out/x'))],
    ['the second one is not called any more', 1, chain(['a', 'b']), chain(['a'])],
    [
      'the second one reads no cache',
      2,
      chain(['a', 'b']),
      write('b', 'out/x', [write('a', 'out/x')], { cache: false }),
    ],
  ];
  it('run again from the one on whose result is not there, whichever was put back by hand', async () => {
    const world = scriptWorld();
    await runOf(world, chain(['a', 'b']));
    world.files.versions.set('out/x', 'v1');
    expect(await runOf(world, chain(['a', 'b']))).toMatchObject({ status: 'DONE', ran: 1 });
    world.files.versions.set('out/x', 'v2');
    expect(await runOf(world, chain(['a', 'b']))).toMatchObject({ status: 'DONE', ran: 2 });
  });

  it('are CACHED or would run in a dry run as in a run', async () => {
    const world = scriptWorld();
    const plan = async (expression: unknown) => {
      const root = { ok: true, table: encode(expression) } as const;
      const host = { ...world.host, root: () => Promise.resolve(root) };
      const dry = await dryRun({ ...world, host }, { workflow: 'test', args: {}, bundle: digest('test', 'bundle') });
      if (!dry.ok) throw new Error('refused');
      return { cached: dry.plan.cached, jobs: dry.plan.jobs.map(({ reason }) => reason) };
    };
    await runOf(world, chain(['a', 'b']));
    expect(await plan(chain(['a', 'b']))).toEqual({ cached: 2, jobs: [] });
    const changed = [{ kind: 'changed file', files: ['out/x'] }];
    expect(await plan(chain(['a', 'c']))).toEqual({ cached: 0, jobs: changed });
    world.files.versions.set('out/x', 'mine');
    expect(await plan(chain(['a', 'b']))).toEqual({ cached: 0, jobs: changed });
  });

  it.each(changes)('run again from the first on when %s', async (_, ran, before, now, change) => {
    const world = scriptWorld();
    world.files.versions.set('in', 'old');
    await runOf(world, before);
    change?.(world);
    expect(await runOf(world, now)).toMatchObject({ status: 'DONE', ran });
  });
});

function manyFiles(): File[] {
  return Array.from({ length: 40 }, (_, at) => file(`in/a-file-with-a-name-of-some-length-${at}`));
}
