/** Reuse within and across runs: docs/acceptance.md, lines 29 to 38, where no other test has them. */

import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { round } from '../../core/engine/round.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { add, cond, type File, file, get, seq, task, text } from '../../core/index.ts';
import type { EvalHash } from '../../core/values/ids.ts';
import { withCode } from '../support/changed-code.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { evaluate, play, playJobs, playWorld, start, totals } from '../support/play.ts';
import { scratchFolder } from '../support/project.ts';

const v1 = { version: '1' };
let ran: string[] = [];
/** What `make` writes, and where: the world whose files a test looks at. */
let world: MemoryWorld;
beforeEach(() => {
  ran = [];
  world = playWorld();
});

const make = task('u.make', v1, (path: string) => {
  ran.push(`make ${path}`);
  world.files.versions.set(path, 'made');
  return file(path);
});
const read = task('u.read', v1, (input: File) => {
  ran.push(`read ${input.location}`);
  return `${input.location}@${input.version}`;
});
const length = task('u.length', v1, (words: string) => {
  ran.push('length');
  return words.length;
});
const heavy = task('u.heavy', { ...v1, executor: 'batch' }, (n: number) => {
  ran.push(`heavy ${n}`);
  return n * 10;
});

async function runs(expression: unknown, options: { cache?: boolean } = {}): Promise<string[]> {
  ran = [];
  await evaluate(world, expression, options);
  return ran;
}

describe('a run like one before', () => {
  // Acceptance: 29.
  it('submits nothing and is CACHED throughout', async () => {
    const program = () => [length(text`${heavy(1)} and ${heavy(2)}`), read(make('out/a'))];
    await evaluate(world, program());
    const summary = await play(world, await start(world, program()));
    expect(totals(summary)).toMatchObject({ done: 0, cached: 5, pending: 0, running: 0, failed: 0, cancelled: 0 });
    expect(world.batch.jobs).toHaveLength(1);
  });

  // Acceptance: 30.
  it('of which one task was edited re-runs that task and those whose inputs changed; the edit taken back, nothing', async () => {
    let answer = 'one';
    const source = task('u.source', v1, () => {
      ran.push('source');
      return answer;
    });
    const program = () => [length(source()), length('elsewhere')];
    expect(await runs(program())).toEqual(['source', 'length', 'length']);
    const original = world;
    world = withCode(original, { 'u.source': 'same answer, other code' });
    expect(await runs(program())).toEqual(['source']);
    answer = 'three';
    world = withCode(original, { 'u.source': 'another answer' });
    expect(await runs(program())).toEqual(['source', 'length']);
    world = original;
    expect(await runs(program())).toEqual([]);
  });
});

describe('reuse can be refused', () => {
  // Acceptance: 32.
  it('by cache: false at a call, which reads nothing from other runs and still writes', async () => {
    await evaluate(world, length('x'));
    expect(await runs(length.options({ cache: false })('x'))).toEqual(['length']);
    expect(await runs([length.options({ cache: false })('y'), length.options({ cache: false })('y')])).toEqual([
      'length',
    ]);
    expect(await runs(length('y'))).toEqual([]);
  });

  // Acceptance: 32.
  it("by cacheScope: 'none', under which equal calls of one run are not joined either", async () => {
    const one = task('u.one', v1, () => length.options({ cacheScope: 'none' })('z'));
    const other = task('u.other', v1, () => length.options({ cacheScope: 'none' })('z'));
    expect(await runs([one(), other()])).toEqual(['length', 'length']);
    const twice = task('u.twice', v1, () => [
      add(length.options({ cacheScope: 'none' })('w'), length.options({ cacheScope: 'none' })('w')),
    ]);
    expect(await runs(twice())).toEqual(['length']);
  });

  // Acceptance: 32.
  it('by a whole run without cache, whose results the next run finds', async () => {
    await evaluate(world, [length('x'), heavy(1)]);
    expect(await runs([length('x'), heavy(1)], { cache: false })).toEqual(['length', 'heavy 1']);
    expect(await runs([length('x'), heavy(1)])).toEqual([]);
  });
});

describe('validity', () => {
  // Acceptance: 33.
  it('is ignored by joins within a run and checked across runs', async () => {
    const again = task('u.again', v1, (_after: unknown) => make('out/a'));
    const program = () => seq([make('out/a'), heavy(3), again(heavy(3))]);
    const alter = () => void world.files.versions.set('out/a', 'altered');
    await evaluate(world, program(), { between: alter });
    expect(ran).toEqual(['make out/a', 'heavy 3']);
    expect(await runs(program())).toEqual(['make out/a']);
  });

  // Acceptance: 36.
  it.each([
    ['altered', () => void world.files.versions.set('out/a', 'other')],
    ['deleted', () => void world.files.versions.delete('out/a')],
  ])('fails for an output that was %s, which re-runs its producer only', async (_how, change) => {
    const program = () => [read(make('out/a')), read(make('out/b'))];
    await evaluate(world, program());
    change();
    expect(await runs(program())).toEqual(['make out/a']);
  });

  // Acceptance: 35.
  it('of an input re-runs its readers only', async () => {
    world.files.versions.set('in/x', '1').set('in/y', '1');
    const program = () => [read(file('in/x')), read(file('in/y'))];
    expect(await runs(program())).toEqual(['read in/x', 'read in/y']);
    world.files.versions.set('in/x', '2');
    expect(await runs(program())).toEqual(['read in/x']);
  });

  // Acceptance: 35.
  it('of a local file rests on its bytes: touched and rewritten with the same ones, it re-runs nothing', async () => {
    const root = await scratchFolder();
    const path = join(root, 'input.txt');
    await writeFile(path, 'same bytes');
    world = { ...world, files: { ...world.files, ...observeFiles({ root }) } };
    expect(await runs(read(file('input.txt')))).toEqual(['read input.txt']);
    await utimes(path, new Date(), new Date());
    expect(await runs(read(file('input.txt')))).toEqual([]);
    await writeFile(path, 'same bytes');
    expect(await runs(read(file('input.txt')))).toEqual([]);
    await writeFile(path, 'other bytes');
    expect(await runs(read(file('input.txt')))).toEqual(['read input.txt']);
  });

  // Acceptance: 37.
  it('covers a File inside an operator, a form and an argument inside a cached expression', async () => {
    const chosen = task('u.chosen', v1, (how: string) => {
      ran.push(`chosen ${how}`);
      const input = file('in/x');
      if (how === 'operator') return get({ input, n: length('abc') }, 'n');
      if (how === 'form') return cond(true, length('abc'), input);
      return text`${read(input)}${length('abc')}`;
    });
    world.files.versions.set('in/x', '1');
    const hows = ['operator', 'form', 'argument'];
    await evaluate(
      world,
      hows.map((how) => chosen(how)),
    );
    expect(await runs(hows.map((how) => chosen(how)))).toEqual([]);
    world.files.versions.set('in/x', '2');
    expect(await runs(chosen('operator'))).toEqual(['chosen operator']);
    expect(await runs(chosen('form'))).toEqual(['chosen form']);
    expect(await runs(chosen('argument'))).toEqual(['read in/x']);
  });
});

describe('two runs at once', () => {
  // Acceptance: 38.
  it('that compute the same thing end with the same cache entry, and the next run reuses it', async () => {
    const both = [await start(world, heavy(7)), await start(world, heavy(7))];
    for (const run of both) await round(world, run);
    expect(world.batch.jobs).toHaveLength(2);
    const reports = await playJobs(world);
    const written: EvalHash[] = [];
    const watching: MemoryWorld = {
      ...world,
      cache: {
        ...world.cache,
        write: (evaluations) => {
          written.push(...evaluations.map((evaluation) => evaluation.hash));
          return world.cache.write(evaluations);
        },
      },
    };
    for (const run of both) expect((await round(watching, run, reports)).status).toBe('DONE');
    expect(written).toHaveLength(2);
    expect(new Set(written).size).toBe(1);
    expect([...(await world.cache.read(written)).values()]).toMatchObject([{ expression: [70] }]);
    await evaluate(world, heavy(7));
    expect(world.batch.jobs).toHaveLength(2);
  });
});
