/** The numbered tour, workflow by workflow, in one local cloud. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { live } from '../../cli/live.ts';
import { bundleProject } from '../../cli/project.ts';
import { openSession, type Session } from '../../cli/session/open.ts';
import { endJson, watch } from '../../cli/watch.ts';
import type { RunSummary } from '../../core/engine/ports.ts';
import { type Bundle, storeBundle } from '../../core/host/bundle.ts';
import { workflowsOf } from '../../core/values/program.ts';
import { storedState } from '../../functions/stored.ts';
import { makeProject, type Project } from './project.ts';

let project: Project;
let bundle: Bundle;
let session: Session;

beforeAll(async () => {
  project = await makeProject();
  bundle = await bundleProject(project.folder, [], undefined);
  session = await openSession({ root: project.folder, stack: undefined }, () => undefined);
  await storeBundle(session.objects, bundle);
});

afterAll(async () => {
  await session.close();
  await project.remove();
});

interface Ended {
  readonly summary: RunSummary;
  readonly value: unknown;
  /** Jobs of each task that ran, or were reused. */
  readonly done: Readonly<Record<string, number>>;
  readonly cached: Readonly<Record<string, number>>;
}

async function ended(workflow: string, args: Readonly<Record<string, unknown>>): Promise<RunSummary> {
  const { client } = session;
  const answer = await client.call('start', { workflow, args, bundle: bundle.hash });
  const never = new AbortController().signal;
  return (await watch(client, answer.run, live({ write: () => undefined }), never)) as RunSummary;
}

async function run(workflow: string, args: Readonly<Record<string, unknown>> = {}): Promise<Ended> {
  const summary = await ended(workflow, args);
  const { result } = (await endJson(session.client, summary)) as { readonly result: unknown };
  expect([summary.status, summary.traceback]).toEqual(['DONE', undefined]);
  const counts = (column: 'done' | 'cached') =>
    Object.fromEntries(
      Object.entries(summary.tally).flatMap(([task, row]) => (row[column] > 0 ? [[task, row[column]]] : [])),
    );
  return { summary, value: result, done: counts('done'), cached: counts('cached') };
}

/** How many jobs went out in each submission. */
async function claimSizes({ run: id }: RunSummary): Promise<number[]> {
  return (await storedState(session.cloud?.environment ?? {}).journal.readAfter(id, 0)).flatMap(({ facts }) =>
    facts.flatMap((fact) => (fact.type === 'claimed' ? [fact.jobs.length] : [])),
  );
}

test('the tour is numbered from 01 to 10, and every stop can be run without arguments but the first', () => {
  const stops = workflowsOf(bundle.program).filter(({ name }) => !/^(bioinfo_batch|checklist)\./.test(name));
  expect(stops).toHaveLength(10);
  const needy = stops.filter(({ params }) => ((params as { readonly required?: unknown[] }).required ?? []).length > 0);
  expect(needy.map(({ name }) => name)).toEqual(['hello.say_hello']);
});

test.concurrent('01 hello: a script writes a greeting, a function reads it', async () => {
  const { value, done } = await run('hello.say_hello', { outputPath: 'out/hello', name: 'Ada' });
  expect(value).toMatchObject({ greeting: { location: 'out/hello/greeting.txt' }, letters: 8 });
  expect(done).toEqual({ 'hello.say_hello': 1, 'hello.greet': 1, 'hello.count_letters': 1, 'redex.script': 1 });
});

test.concurrent('02 files: a report that is altered is written again, and nothing else', async () => {
  const { value } = await run('files.count_lines');
  expect(value).toMatchObject({ lines: 4, longest: 'Yet know I how the heather looks,' });
  const path = join(project.folder, 'out/files/report.json');
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ lines: 4 });
  await writeFile(path, 'altered');
  expect((await run('files.count_lines')).done).toEqual({ 'files.report': 1 });
});

test.concurrent('03 script: words are counted by one interpreter and chosen by another', async () => {
  const { value, done } = await run('script.count_words');
  expect(value).toMatchObject({ counts: { location: 'out/script/counts.txt' }, frequent: 'i\na\nnever\nsaw\nthe\n' });
  expect(done['redex.script']).toBe(2);
  expect((await run('script.count_words', { least: 3 })).done['redex.script']).toBe(1);
});

test.concurrent('04 fan-out: four squares are one array job', async () => {
  const { value, summary } = await run('fan_out.sum_of_squares');
  expect(value).toBe(30);
  expect(await claimSizes(summary)).toEqual([4]);
});

test.concurrent('05 dynamic fan-out: as many jobs as the text has lines', async () => {
  const { value, done } = await run('dynamic_fan_out.longest_words');
  expect(value).toEqual({ words: ['never', 'never', 'heather', 'what'], sentence: 'never, never, heather, what.' });
  expect(done['redex.script']).toBe(4);
});

test.concurrent('06 recursion: fib(25) is 26 jobs, and 24 of them serve fib(23)', async () => {
  const { value, done } = await run('recursion.fibonacci');
  expect(value).toBe(75025);
  expect(done['recursion.fib']).toBe(26);
  expect((await run('recursion.fibonacci', { n: 23 })).cached['recursion.fib']).toBe(24);
});

test.concurrent('07 errors: caught by class, by name, and all together', async () => {
  const { value } = await run('errors.divide_all');
  expect(value).toEqual({
    quotients: [4, 'undefined: 12 / 0', 2.4],
    tally: [3, 'ScriptError with exit code 3'],
  });
});

test.concurrent('08 higher order: steps chosen at run time, of which a new one runs alone', async () => {
  expect((await run('higher_order.transform')).value).toBe('NEVE RO DDO REVEN!!');
  const { value, done } = await run('higher_order.transform', { steps: ['reverse', 'upper', 'reverse'] });
  expect(value).toBe('NEVER ODD OR EVEN');
  expect(done['redex.script']).toBe(1);
});

test.concurrent('09 context: overridden below one call', async () => {
  const { value } = await run('context.greetings');
  expect(value).toEqual({ here: 'Hello, Ada!', there: 'Salut, Ada!' });
});

test.concurrent('10 limits: two licences, so four jobs go out two at a time', async () => {
  const { value, summary } = await run('limits.simulate_all');
  expect(value).toHaveLength(4);
  let inFlight = 0;
  let most = 0;
  for (const { facts } of await storedState(session.cloud?.environment ?? {}).journal.readAfter(summary.run, 0)) {
    for (const fact of facts) {
      if (fact.type === 'claimed') inFlight += fact.jobs.length;
      if (fact.type === 'returned' && fact.measured.exitCode !== undefined) inFlight--;
      most = Math.max(most, inFlight);
    }
  }
  expect([most, inFlight]).toEqual([2, 0]);
});

test('checklist: what stack/README.md starts is there, and takes what it is given', async () => {
  const readme = await readFile(new URL('../../stack/README.md', import.meta.url), 'utf8');
  // As the shell puts it together, with some bucket.
  const requests = [...readme.matchAll(/-f start --data '(.*)'$/gm)].map(([, data = '']) =>
    JSON.parse(data.replaceAll("'$bucket'", 'bucket')),
  );
  expect(requests).toHaveLength(7);
  const workflows = new Map(workflowsOf(bundle.program).map(({ name, params }) => [name, params]));
  for (const { workflow, args = {} } of requests) {
    const { properties = {}, required = [] } = workflows.get(workflow) as {
      properties?: Readonly<Record<string, unknown>>;
      required?: readonly string[];
    };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...Object.keys(args)]));
    expect(Object.keys(args)).toEqual(expect.arrayContaining([...required]));
  }
});

test.concurrent('checklist: a large file comes back as it was written, and three equal jobs are one array', async () => {
  const { value, done } = await run('checklist.large', { outputPath: 'out/checklist' });
  const digest = createHash('sha256')
    .update('r'.repeat(11 * 1024 * 1024))
    .digest('hex');
  expect(value).toMatchObject({
    written: { location: 'out/checklist/large.bin' },
    digest: `${digest}  -\n`,
    read: `${digest}  -\n`,
  });
  expect(done['redex.script']).toBe(2);
  const three = await run('checklist.three');
  expect(three.value).toEqual([1, 2, 3].map((n) => expect.stringMatching(new RegExp(`^job ${n} on \\S+\n$`))));
  expect(await claimSizes(three.summary)).toEqual([3]);
});

test.concurrent('checklist: what waits ends when its time is over, and a missing file is said to be missing', async () => {
  expect((await run('checklist.wait', { seconds: 0 })).value).toBe('slept\n');
  const { status, traceback } = await ended('checklist.missing', { input: 'out/nothing.txt' });
  expect(status).toBe('FAILED');
  expect(traceback).toContain('InputMissing: redex.script: out/nothing.txt does not exist');
});
