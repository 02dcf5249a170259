import { describe, expect, it } from 'vitest';
import { catchError, file, script, seq, task } from '../../core/index.ts';
import { File } from '../../core/values/classes.ts';
import { placesOf } from '../../core/values/contents.ts';
import { encode } from '../../core/values/encode.ts';
import { SCRIPT_TASK } from '../../core/values/program.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { play, playWorld, start } from '../support/play.ts';

/** A world whose scripts make their one output, which has a new version each time; `false` as a text fails. */
function scriptWorld(): MemoryWorld {
  const world = playWorld();
  const run: MemoryWorld['host']['run'] = async (bundle, task, args) => {
    const [target] = placesOf(args).targets;
    if (task !== SCRIPT_TASK || !target) return await world.host.run(bundle, task, args);
    if (args.includes('false')) return { ok: false, error: encode(new Error('failed')) };
    const version = `v${world.batch.jobs.length}`;
    world.files.versions.set(target.location, version);
    return { ok: true, table: encode(new File(target.location, version)) };
  };
  return { ...world, host: { ...world.host, run } };
}

const write = (text: string, place: string, inputs: unknown = []) =>
  script(text, { executor: 'batch', inputs, outputs: file(place).stage('x') });

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
        `OutputConflict: redex.script would write ${first}, which another job of this run has`,
      );
      expect(world.batch.jobs).toHaveLength(1);
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
