/** What is recorded: one small run for each way a run can go. Golden files are made of it once; it may change, they never do. */
import type { RunId } from '../../core/values/ids.ts';
import { cancel } from '../../core/engine/cancel.ts';
import { retry } from '../../core/engine/retry.ts';
import { round } from '../../core/engine/round.ts';
import {
  add,
  catchAll,
  catchError,
  cond,
  context,
  type File,
  file,
  flatMap,
  force,
  get,
  gt,
  map,
  quote,
  seq,
  task,
  text,
} from '../../core/index.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { play, playJobs, playWorld, start } from '../support/play.ts';

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch' };

const inc = task('golden.inc', v1, (n: number) => n + 1);
const count = task('golden.count', v1, (n: number): number => (n === 0 ? 0 : (count(n - 1) as unknown as number)));
const range = task('golden.range', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
const heavy = task('golden.heavy', batch, (n: number) => n * 10);
const read = task('golden.read', v1, (input: File) => `${input.location}@${input.version}`);
const copy = task('golden.copy', v1, (_input: File) => file('out/copy'));
const big = task('golden.big', v1, () => ({ words: Array.from({ length: 200 }, (_, at) => `word ${at}`), n: 200 }));
const where = task('golden.where', v1, () => context('place', 'nowhere'));
const total = task('golden.total', v1, (all: number[]) => all.reduce((a, b) => a + b, 0));

/** Without its stack, which names the frames of whoever recorded it. */
function failure(name: string, message: string): Error {
  return Object.assign(new Error(message), { name, stack: undefined });
}
const fragile = task('golden.fragile', batch, (n: number): number => {
  if (n % 3 === 0) throw failure('Fragile', `no ${n}`);
  return n;
});
const zero = task('golden.zero', v1, (_error: Error) => 0);
const guarded = task('golden.guarded', v1, (n: number) => catchError(fragile(n), ['Fragile', 'Other'], zero));
const names = task('golden.names', v1, (terms: unknown[]) =>
  terms.map((term) => (term instanceof Error ? term.name : term)),
);
let isRepaired = false;
const flaky = task('golden.flaky', batch, (): number => {
  if (!isRepaired) throw failure('Broken', 'not yet');
  return 5;
});

async function finished(world: MemoryWorld, expression: unknown): Promise<RunId> {
  const run = await start(world, expression, { run: 'golden' });
  await play(world, run);
  return run;
}

/** Each gives the world it ran in. */
export const RECORDINGS: Readonly<Record<string, () => Promise<MemoryWorld>>> = {
  async chain() {
    const world = playWorld({ context: { place: 'lab' } });
    world.files.versions.set('in/a', '1').set('out/copy', '7');
    await finished(world, [
      count(12),
      add(inc(inc(1)), get(big(), 'n')),
      cond(gt(inc(0), 5), inc(10), text`${inc(2)} and ${where()}`),
      seq([inc(5), heavy(6), inc(7)]),
      flatMap(range, map(inc, range(3))),
      force(quote(inc(20))),
      where.options({ context: { place: 'field' } })(),
      read(copy(file('in/a'))),
      get(get(big(), 'words'), 3),
    ]);
    return world;
  },

  async 'fan-out'() {
    const world = playWorld({ limits: { seats: 3 } });
    const seated = map(heavy.options({ limits: { seats: 1 } }), [101, 102, 103, 104, 105]);
    await finished(world, { all: total(map(heavy, range(6))), one: heavy.options({ memory: 9 })(7), seated });
    return world;
  },

  async catch() {
    const world = playWorld();
    await finished(world, [
      map(guarded, range(5)),
      catchAll([heavy(1), fragile(9)], 'Error', names),
      catchAll([inc(1)]),
    ]);
    return world;
  },

  async retry() {
    const world = playWorld();
    isRepaired = false;
    world.batch.answerNext({ kind: 'throttled' });
    const run = await start(world, [heavy(1), add(flaky(), heavy(2))], { run: 'golden' });
    await round(world, run);
    await round(world, run);
    const report = world.batch.report('job-1:0', {
      status: 'FAILED',
      statusReason: 'Host EC2 (instance i-1) terminated.',
    });
    await round(world, run, [report]);
    await play(world, run);
    isRepaired = true;
    await retry(world, run);
    await play(world, run);
    return world;
  },

  async cancel() {
    const world = playWorld();
    const run = await start(world, [inc(1), heavy(1), add(heavy(2), inc(3)), heavy(inc(4))], { run: 'golden' });
    await round(world, run);
    const [first] = await playJobs(world);
    await round(world, run, first ? [first] : []);
    await cancel(world, run, 'no longer wanted');
    await round(world, run);
    await round(
      world,
      run,
      world.batch.jobs.flatMap(({ reports }) => [...reports.values()]),
    );
    return world;
  },

  async reuse() {
    const world = playWorld();
    world.files.versions.set('in/a', '1');
    const expression = () => [count(3), map(guarded, range(2)), heavy(2), read(file('in/a'))];
    await play(world, await start(world, expression(), { run: 'before' }));
    world.files.versions.set('in/a', '2');
    await finished(world, expression());
    return world;
  },

  async refused() {
    const world = playWorld();
    world.batch.answerNext({ kind: 'refused', reason: 'no such queue' });
    await finished(world, catchAll([heavy(1), inc(1)], 'SubmissionRefused', names));
    return world;
  },

  async unseen() {
    const world = playWorld();
    world.files.versions.set('in/a', '1');
    world.files.unseen.set('in/b', 'its server is down');
    const guardedRead = catchError(read(file('in/b')), 'NetworkError', zero);
    await finished(world, [read(file('in/a')), guardedRead, heavy(1), text`${read(file('in/b'))}`]);
    return world;
  },

  async 'failing run'() {
    const world = playWorld();
    await finished(world, [heavy(1), fragile(3), add(fragile(6), 1), inc(heavy(2))]);
    return world;
  },
};
