import { beforeEach, describe, expect, it } from 'vitest';
import { retry } from '../../core/engine/retry.ts';
import { round } from '../../core/engine/round.ts';
import { add, catchError, dir, type File, file, script, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { evaluate, play, playWorld, start } from '../support/play.ts';

const v1 = { version: '1' };
const read = task('u.read', v1, (input: File) => `${input.location}@${input.version}`);
const readAll = task('u.read_all', v1, (all: { file: File }[]) => all.length);
const heavy = task('u.heavy', { ...v1, executor: 'batch' }, (n: number) => n * 10);
const recover = task('u.recover', v1, (error: Error) => `${error.name} was caught`);
const named = task('u.named', v1, (name: string) => file(name));

let world: MemoryWorld;

beforeEach(() => {
  world = playWorld();
  world.files.versions.set('in/seen', '1').set('in/hidden', '1');
  world.files.unseen.set('in/hidden', 'its server is down');
});

const facts = async (run: RunId) => (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);

describe('a file that cannot be looked at', () => {
  it('fails its call by name; all else goes on, and the run ends', async () => {
    const run = await start(world, [heavy(1), read(file('in/seen')), read(file('in/hidden'))]);
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(1);
    const summary = await play(world, run);
    expect(summary).toMatchObject({
      status: 'FAILED',
      traceback: expect.stringContaining('NetworkError: in/hidden cannot be reached: its server is down'),
    });
    expect(summary.tally['u.read']).toMatchObject({ done: 1 });
    expect(summary.tally['u.heavy']).toMatchObject({ done: 1 });
  });

  it('is never taken for one that is not there: no job gets it, and nothing of it is cached', async () => {
    const run = await start(world, read(file('in/hidden')));
    await play(world, run);
    expect((await facts(run)).map(({ type }) => type)).toEqual(['started', 'unseen', 'ended']);
    world.files.unseen.clear();
    expect(await evaluate(world, read(file('in/hidden')))).toBe('in/hidden@1');
  });

  it('fails what is called with it among others, in a directory, an operator or a record, too', async () => {
    world.files.unseen.set('in/folder/', 'its server is silent');
    const hidden = [{ file: file('in/seen') }, { file: dir('in/folder/') as unknown as File }];
    await expect(evaluate(world, add(readAll(hidden), 1))).rejects.toMatchObject({ name: 'NetworkError' });
  });

  it('can be caught; the recovery is not kept, since the file may be seen another time', async () => {
    const guarded = () => catchError(read(file('in/hidden')), 'NetworkError', recover);
    expect(await evaluate(world, guarded())).toBe('NetworkError was caught');
    world.files.unseen.clear();
    expect(await evaluate(world, guarded())).toBe('in/hidden@1');
  });

  it('fails a retried run again while it cannot be seen, and no longer when it can', async () => {
    const run = await start(world, [heavy(1), read(file('in/hidden'))]);
    await play(world, run);
    await retry(world, run);
    expect(await play(world, run)).toMatchObject({ status: 'FAILED' });
    world.files.unseen.clear();
    await retry(world, run);
    expect(await play(world, run)).toMatchObject({ status: 'DONE' });
    expect(world.batch.jobs).toHaveLength(1);
  });

  it('fails the inline task that returned it', async () => {
    await expect(evaluate(world, named('in/hidden'))).rejects.toMatchObject({ name: 'NetworkError' });
    expect(await evaluate(world, read(named('in/seen')))).toBe('in/seen@1');
  });

  it('makes the cached result that holds it a miss: its task runs again', async () => {
    await evaluate(world, read(named('in/seen')));
    world.files.unseen.set('in/seen', 'its server is down');
    await expect(evaluate(world, read(named('in/seen')))).rejects.toMatchObject({ name: 'NetworkError' });
    world.files.unseen.clear();
    expect(await evaluate(world, read(named('in/seen')))).toBe('in/seen@1');
  });
});

function loseValues(): void {
  const stored = world.objects.stored as Map<string, Uint8Array>;
  for (const key of stored.keys()) if (key.startsWith('values/')) stored.delete(key);
}

describe('a large value that is gone', () => {
  it('fails the call whose files it holds by name, and nothing else', async () => {
    const many = Array.from({ length: 100 }, (_, at) => ({ file: file(`in/${at}`), text: 'x'.repeat(40) }));
    const run = await start(world, [heavy(1), readAll(many)]);
    loseValues();
    const summary = await play(world, run);
    expect(summary).toMatchObject({ status: 'FAILED', traceback: expect.stringContaining('ValueGone') });
    expect(summary.tally['u.heavy']).toMatchObject({ done: 1 });
  });

  it('fails the script whose outputs it lists by name, and nothing else', async () => {
    const outputs = Array.from({ length: 60 }, (_, at) => file(`out/part-${at}.txt`).stage(`${at}`));
    const run = await start(world, [heavy(1), script('true', { executor: 'batch', outputs })]);
    loseValues();
    const summary = await play(world, run);
    expect(summary).toMatchObject({ status: 'FAILED', traceback: expect.stringContaining('ValueGone') });
    expect(summary.tally['u.heavy']).toMatchObject({ done: 1 });
  });
});
