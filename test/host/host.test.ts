import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { keys } from '../../core/engine/objects.ts';
import type { TaskResult } from '../../core/engine/ports.ts';
import { fileAccess } from '../../core/files/access.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { type ClosableHost, type HostOptions, INLINE_LIMITS, NO_LIMITS, workerHost } from '../../core/host/host.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { Hash } from '../../core/values/ids.ts';
import { listOf, type Table } from '../../core/values/table.ts';
import { project, scratchFolder } from '../support/project.ts';

const TASKS = `
import { file, task, v } from 'redex';
class Odd extends Error {}
class Point { x = 1; }
export const add = task('t.add', (a: number, b: number) => a + b);
export const main = task('t.main', { params: v.object({ n: v.number() }) }, ({ n }) => add(n, 1));
task('t.later', async (ms: number) => { await new Promise((done) => setTimeout(done, ms)); return ms; });
task('t.never', () => new Promise(() => {}));
task('t.spin', () => { for (;;); });
task('t.spin_later', async () => { await null; for (;;); });
task('t.push', () => { const list = []; for (;;) list.push(list.length); });
task('t.objects', () => { const list = []; for (let i = 0; ; i++) list.push({ i, text: 'x' + i }); });
task('t.buffers', () => { const list = []; for (;;) list.push(new Uint8Array(1e7).fill(1)); });
task('t.exit', () => process.exit(3));
task('t.really_exit', () => (process as any).reallyExit(4));
task('t.kill', () => process.kill(process.pid, 'SIGTERM') && new Promise(() => {}));
task('t.throw_text', () => { throw 'just text'; });
task('t.throw_odd', () => {
  throw new Odd('so odd', { cause: new Error('below') });
});
task('t.throw_elsewhere', () => new Promise(() => { setTimeout(() => { throw new Odd('elsewhere'); }, 1); }));
task('t.reject_elsewhere', () => { void Promise.reject(new Odd('unheard')); return new Promise(() => {}); });
task('t.point', () => ({ deep: [new Point()] }));
task('t.function', () => ({ fn: () => 1 }));
task('t.big', (n: number) => 'x'.repeat(n));
task('t.records', (n: number) => Array.from({ length: n }, (_, i) => ({ id: 'sample' + i, at: '/data/' + i + '.bam' })));
task('t.length', (list: unknown[] | string) => list.length);
task('t.print', () => { console.log('to out'); console.error('to err'); return 1; });
task('t.environment', () => ({ ...process.env }));
task('t.write', async (at: string, text: string) => (await file(at).write(text)).text());
task('t.missing', (at: string) => file(at).text());
task('t.cpu', () => process.cpuUsage());
task('t.pid', () => process.pid);
`;

let bundle: Hash;
let folder: string;
let host: ClosableHost;
let printed = '';

const open = (options: Partial<HostOptions> = {}): ClosableHost =>
  workerHost({
    objects: folderObjects(join(folder, 'store')),
    folder: join(folder, 'bundles'),
    files: () => fileAccess({ root: folder }),
    limits: { timeMs: 500, memoryMb: 64 },
    log: (text) => {
      printed += text;
    },
    ...options,
  });

beforeAll(async () => {
  folder = await scratchFolder(afterAll);
  const made = await bundleProgram({ entries: [join(await project({ 'tasks.ts': TASKS }, afterAll), 'tasks.ts')] });
  await storeBundle(folderObjects(join(folder, 'store')), made);
  bundle = made.hash;
  host = open();
});
afterAll(() => host.close());

const unknown = (): never => {
  throw new Error('no expression expected');
};

async function run(task: string, ...args: unknown[]): Promise<unknown> {
  return contentOf(await host.run(bundle, task, encode(args)));
}

function msOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

function contentOf(result: TaskResult): unknown {
  return decode(result.ok ? result.table : result.error, { task: unknown, expression: unknown });
}

describe('a host', () => {
  test('runs task functions, many at once', async () => {
    const sums = await Promise.all(Array.from({ length: 200 }, (_, n) => run('t.add', n, 1)));
    expect(sums).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  });

  test('knows the program and makes the root call from checked arguments', async () => {
    const program = await host.program(bundle);
    expect(program.bundle).toBe(bundle);
    expect(program.tasks['t.main']?.params).toMatchObject({ required: ['n'] });
    expect(await host.root(bundle, 't.main', { n: 1 })).toMatchObject({ ok: true });
    expect(contentOf(await host.root(bundle, 't.main', { n: 'one' }))).toMatchObject({ name: 'BadArguments' });
    expect(contentOf(await host.root(bundle, 't.nothing', {}))).toMatchObject({ name: 'TaskNotFound' });
  });

  test('rejects for a bundle that is not there or is damaged', async () => {
    await expect(host.program(digest('test', 'x'))).rejects.toThrow('not in the object store');
    await expect(host.run(digest('test', 'x'), 't.add', encode([1, 2]))).rejects.toThrow('not in the object store');
    const other = open({
      objects: { put: () => Promise.resolve(), get: () => Promise.resolve(Buffer.from('export {}')) },
      folder: join(folder, 'other'),
    });
    await expect(other.run(bundle, 't.add', encode([1, 2]))).rejects.toThrow('damaged');
  });

  test('rejects when the program of another bundle stands in for its own', async () => {
    const store = folderObjects(join(folder, 'store'));
    const another = digest('test', 'another');
    const swapped = { ...store, get: (key: string) => store.get(key.replace(another, bundle)) };
    await expect(open({ objects: swapped }).program(another)).rejects.toThrow('is damaged in the object store');
  });

  test('rejects when the program of a bundle was replaced by what reads as one', async () => {
    const store = folderObjects(join(folder, 'store'));
    const program = gzipSync(JSON.stringify({ ...(await host.program(bundle)), limits: { gpu: 1 } }));
    const seal = ((await store.get(keys.program(bundle))) ?? Buffer.alloc(0)).subarray(0, 40);
    for (const replaced of [program, Buffer.concat([seal, program])]) {
      const get: typeof store.get = (key) => (key.endsWith('.json') ? Promise.resolve(replaced) : store.get(key));
      await expect(open({ objects: { ...store, get } }).program(bundle)).rejects.toThrow('is damaged');
    }
  });

  test('fetches a bundle again when what it kept of it is damaged', async () => {
    const kept = join(folder, 'kept');
    const first = open({ folder: kept });
    await first.run(bundle, 't.add', encode([1, 2]));
    await first.close();
    const [name] = await readdir(kept);
    await writeFile(join(kept, name as string), 'export {}');
    const second = open({ folder: kept });
    expect(contentOf(await second.run(bundle, 't.add', encode([1, 2])))).toBe(3);
    await second.close();
  });

  test('reads and writes files for its tasks, relative to the root', async () => {
    expect(await run('t.write', 'some/where.txt', 'ünïcode')).toBe('ünïcode');
    expect(await fileAccess({ root: folder }).text('some/where.txt')).toBe('ünïcode');
    expect(await run('t.missing', 'no/such.txt')).toMatchObject({ message: expect.stringContaining('no/such.txt') });
  });

  test('gives authors no environment but what it is told to, and its log what they print', async () => {
    const own = open({ env: { TZ: 'UTC' } });
    const seen = contentOf(await own.run(bundle, 't.environment', encode([]))) as Record<string, string>;
    await own.close();
    expect(Object.keys(seen).filter((name) => !name.startsWith('NODE_CHANNEL'))).toEqual(['TZ']);
    await run('t.print');
    await expect.poll(() => printed).toContain('to out\n');
    await expect.poll(() => printed).toContain('to err\n');
  });

  test('takes arguments and gives results of 10 MB', async () => {
    const own = open({ limits: INLINE_LIMITS });
    const text = contentOf(await own.run(bundle, 't.big', encode([10e6])));
    expect(text).toHaveLength(10e6);
    expect(contentOf(await own.run(bundle, 't.length', encode([text])))).toBe(10e6);
    const { table } = (await own.run(bundle, 't.records', encode([150_000]))) as { table: Table };
    expect(JSON.stringify(table).length).toBeGreaterThan(10e6);
    expect(contentOf(await own.run(bundle, 't.length', listOf([table])))).toBe(150_000);
    await own.close();
  });

  test('needs at most fifteen times the computing of an empty Node from nothing to the first result', async () => {
    const empty: number[] = [];
    const times: number[] = [];
    // In turn, so that both meet the same machine; wall time says nothing while other tests run. It is about eight times,
    // most of it for types to strip, which a deployed worker has not. What loads an SDK takes far more than fifteen.
    for (let i = 0; i < 6; i++) {
      const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'JSON.stringify(process.cpuUsage())']);
      empty.push(msOf(JSON.parse(stdout)));
      const fresh = open();
      times.push(msOf(contentOf(await fresh.run(bundle, 't.cpu', encode([]))) as NodeJS.CpuUsage));
      await fresh.close();
    }
    expect(Math.min(...times) / Math.min(...empty)).toBeLessThan(15);
  });

  test('keeps one file for each bundle, written whole', async () => {
    await run('t.add', 1, 1);
    expect(await readdir(join(folder, 'bundles'))).toEqual([`${bundle}.mjs`]);
  });
});

// Acceptance: 27.
describe('a task that misbehaves fails alone, with a clear error, and its neighbours do not', () => {
  const batch = "give it executor: 'batch'";
  test.each([
    ['never settles', 't.never', 'TimedOut', batch],
    ['loops for ever', 't.spin', 'TimedOut', batch],
    ['loops for ever after an await', 't.spin_later', 'TimedOut', batch],
    ['fills a list for ever', 't.push', 'OutOfMemory', batch],
    ['makes objects for ever', 't.objects', 'OutOfMemory', batch],
    ['makes buffers for ever', 't.buffers', 'OutOfMemory', batch],
    ['calls process.exit', 't.exit', 'Error', 'process.exit(3) was called'],
    ['ends its process all the same', 't.really_exit', 'Error', 'the task t.really_exit ended its process with code 4'],
    ['kills its process', 't.kill', 'Error', 'the task t.kill ended its process by SIGTERM'],
    ['throws what is no error', 't.throw_text', 'Error', 'just text'],
    ['throws outside of its promise', 't.throw_elsewhere', 'Error', 'elsewhere'],
    ['leaves a rejection unheard', 't.reject_elsewhere', 'Error', 'unheard'],
    ['returns a class instance', 't.point', 'NotEncodable', 'Point'],
    ['returns a function', 't.function', 'NotEncodable', 'fn'],
    ['does not exist', 't.nowhere', 'TaskNotFound', 't.nowhere'],
  ])('%s', async (_, task, name, message) => {
    // Enough for the neighbours, and for a full heap on a loaded machine, which takes its time.
    const own = open({ limits: { timeMs: name === 'TimedOut' ? 1000 : 20_000, memoryMb: 64 } });
    const work = [
      own.run(bundle, 't.later', encode([150])),
      own.run(bundle, task, encode([])),
      own.run(bundle, 't.add', encode([1, 2])),
    ];
    const [later, error, sum] = (await Promise.all(work)).map(contentOf);
    await own.close();
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect((error as Error).name).toBe(name);
    expect([later, sum]).toEqual([150, 3]);
  });

  test('also when several of them share a worker', async () => {
    const own = open({ limits: { timeMs: 3000, memoryMb: 64 } });
    const all = (tasks: readonly string[], ...args: unknown[]) =>
      Promise.all(tasks.map(async (task) => contentOf(await own.run(bundle, task, encode(args)))));
    const good = () => all(['t.add', 't.later', 't.add'], 20, 1);
    const [before, errors, after] = await Promise.all([
      good(),
      all(['t.spin', 't.push', 't.really_exit', 't.throw_elsewhere']),
      good(),
    ]);
    expect([before, after, await good()]).toEqual([
      [21, 20, 21],
      [21, 20, 21],
      [21, 20, 21],
    ]);
    expect(errors.map((error) => (error as Error).name)).toEqual(['TimedOut', 'OutOfMemory', 'Error', 'Error']);
    await own.close();
  });

  test('a task that never settles does not hold up the others of its worker', async () => {
    const [stuck, ...others] = await Promise.all([run('t.never'), ...Array.from({ length: 5 }, () => run('t.pid'))]);
    expect(stuck).toMatchObject({ name: 'TimedOut' });
    expect(new Set(others).size).toBe(1);
  });

  test('an error keeps its class, its cause, and the line of the author', async () => {
    const error = await run('t.throw_odd');
    expect(error).toMatchObject({ message: 'so odd', cause: { message: 'below' } });
    const [line = 0] = TASKS.split('\n').flatMap((text, at) => (text.includes("new Odd('so odd'") ? [at + 1] : []));
    expect((error as Error).stack).toContain(`tasks.ts:${line}:9`);
    expect((error as Error).stack).not.toContain(folder);
    expect((error as Error).stack).not.toContain('worker.ts');
  });

  test('without limits a task takes its time', async () => {
    const own = open({ limits: NO_LIMITS });
    expect(contentOf(await own.run(bundle, 't.later', encode([600])))).toBe(600);
    await own.close();
  });
});

describe('a worker', () => {
  test('does not keep its engine alive, and goes with it', async () => {
    const path = (name: string) => JSON.stringify(join(import.meta.dirname, '../../core', name));
    const script = `
      import { folderObjects } from ${path('disk/objects.ts')};
      import { workerHost } from ${path('host/host.ts')};
      const host = workerHost({ objects: folderObjects(${JSON.stringify(join(folder, 'store'))}), folder: ${JSON.stringify(join(folder, 'bundles'))} });
      const { table } = await host.run('${bundle}', 't.pid', [['list', []]]);
      console.log(table[0]);
      if (process.argv[1] === 'spin') { void host.run('${bundle}', 't.spin', [['list', []]]); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50); }`;
    const start = (mode: string) => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, mode]);
    const ended = await start('end');
    expect(Number(ended.stdout)).toBeGreaterThan(1);
    await expect.poll(() => alive(Number(ended.stdout))).toBe(false);
    const killed = await start('spin').catch((error: { stdout: string }) => error);
    expect(Number(killed.stdout)).toBeGreaterThan(1);
    await expect.poll(() => alive(Number(killed.stdout)), { timeout: 3000 }).toBe(false);
  });
});

/** A process that has ended but was not yet collected by its parent counts as gone. */
async function alive(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout !== '' && !stdout.startsWith('Z');
}
