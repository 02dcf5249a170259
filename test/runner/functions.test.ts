import { afterAll, beforeAll, expect, it } from 'vitest';
import { keys, putSealed } from '../../core/engine/objects.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import type { File } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';
import { digestBytes } from '../../core/values/hash.ts';
import type { Hash } from '../../core/values/ids.ts';
import { SECRET_VARIABLE } from '../../core/values/secrets.ts';
import { type Ended, openTestbed, processesWith, type Testbed, until } from './testbed.ts';

/** A bundle as the host loads them, made by hand: the runner must not care how it came about. */
const BUNDLE = Buffer.from(`
const files = () => globalThis[Symbol.for('redex.fileAccess')];
const tasks = {
  async copy() {
    await files().copy('in.txt', 'out.txt', { gunzip: false });
    return [['file', 'out.txt', null], 1, ['list', [0, 1]]];
  },
  unseen() { return [['file', 'gs://no/such/scheme', null]]; },
  fail() { throw new RangeError('out of it'); },
  exit() { process.exit(3); },
  print() { console.log('printed by the author'); return [Object.keys(process.env).includes('SECRET')]; },
  secret() { process.stdout.write('it is tok-'); console.log('5ECRET'); throw new Error('no ' + process.env.TOKEN); },
  async daemon() {
    const { spawn } = await import('node:child_process');
    spawn('setsid', ['-f', 'sleep', '3360.125'], { detached: true, stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    return [null];
  },
  large() { return ['x'.repeat(5000)]; },
  hang() { console.log('ready'); return new Promise(() => setInterval(() => {}, 1000)); },
};
export const redexBundle = {
  program: () => ({ tasks: {}, executors: {}, limits: {}, context: {} }),
  root: () => ['undefined'],
  invoke: async (task) => await tasks[task](),
  encodeError: (thrown) => [['record', [], []], ['error', thrown.name, [thrown.name, 'Error'], thrown.message, 0]],
};
`);
const bundle = digestBytes(BUNDLE);

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
  await testbed.objects.put(keys.bundle(bundle), BUNDLE);
  await putSealed(testbed.objects, keys.program(bundle), { bundle, tasks: {}, executors: {}, limits: {}, context: {} });
});

afterAll(() => testbed.remove());

const specOf = (task: string, changes: Partial<JobSpec> = {}): Promise<JobSpec> =>
  testbed.scriptSpec({ text: '' }, { task, bundle, args: encode([]), ...changes });

const run = async (task: string): Promise<Ended> =>
  await (await testbed.start(await specOf(task), { environment: { SECRET: 'x' } })).ended;

it('a function of the bundle reads and writes files, and those it names in its result are looked at', async () => {
  await testbed.write('in.txt', 'text');
  const ended = await run('copy');
  expect(ended).toMatchObject({ exitCode: 0 });
  const [file] = ended.value as [File];
  expect(file.location).toBe('out.txt');
  expect(file.version).toMatch(/^[0-9a-f]{64}$/);
  expect(await testbed.read('out.txt')).toBe('text');
});

it('a file that a function names in its result and that nobody can look at fails the job by name', async () => {
  const ended = await run('unseen');
  expect(ended.exitCode).toBe(1);
  expect(ended.error).toMatchObject({
    name: 'FileRefused',
    message: expect.stringContaining('gs://no/such/scheme cannot be reached'),
  });
});

it('a function has the secrets of its job in its environment, and neither its log nor its error shows them', async () => {
  const environment = { [`${SECRET_VARIABLE}TOKEN`]: 'tok-5ECRET' };
  const { log, error } = await (await testbed.start(await specOf('secret'), { environment })).ended;
  expect(log).toContain('it is $TOKEN\n');
  expect(error?.message).toMatch(/no \$TOKEN$/);
  expect(`${log} ${error?.stack}`).not.toContain('5ECRET');
});

it('a daemon that a function has started ends with the job', async () => {
  expect(await run('daemon')).toMatchObject({ exitCode: 0 });
  expect(await processesWith('3360.125')).toEqual([]);
});

it("what a function throws is the job's error", async () => {
  const ended = await run('fail');
  expect(ended.exitCode).toBe(1);
  expect(ended.error).toMatchObject({ name: 'RangeError', message: 'out of it' });
});

it('a function that ends its process fails its job', async () => {
  const ended = await run('exit');
  expect(ended.exitCode).toBe(1);
  expect(ended.error).toBeInstanceOf(Error);
});

it("what a function prints is in the log, and the shell's variables are not its business", async () => {
  const ended = await run('print');
  expect(ended.log).toContain('printed by the author');
  expect(ended.value).toBe(false);
});

it('a large result is kept outside of the record', async () => {
  const ended = await run('large');
  expect(ended.value).toBe('x'.repeat(5000));
  expect(ended.outcome?.ok && ended.outcome.expression).toEqual([['ref', expect.any(String), 5004, 0]]);
});

it('processor time and memory of a function are measured', async () => {
  const { outcome } = await run('large');
  expect(outcome?.measured.cpuSeconds).toBeGreaterThan(0);
  expect(outcome?.measured.memoryPeakBytes).toBeGreaterThan(10e6);
});

it('a function is ended with its job', async () => {
  const running = await testbed.start(await specOf('hang'));
  await until(() => running.log().includes('ready'));
  process.kill(running.child.pid as number, 'SIGTERM');
  expect(await running.ended).toMatchObject({ exitCode: 143, outcome: undefined });
  expect(await processesWith(testbed.store)).toEqual([]);
});

it('a bundle that is not in the store fails the job with its name', async () => {
  const missing = 'f'.repeat(40) as Hash;
  const ended = await (await testbed.start(await specOf('copy', { bundle: missing }))).ended;
  expect(ended.error?.message).toContain(missing);
});

it('an argument that the store has lost fails the job by name', async () => {
  const value = 'f'.repeat(40) as Hash;
  const args: JobSpec['args'] = [
    ['ref', value, 5000, 0],
    ['list', [0]],
  ];
  const ended = await (await testbed.start(await specOf('copy', { args }))).ended;
  expect(ended.exitCode).toBe(1);
  expect(ended.error).toMatchObject({ name: 'ValueGone', message: expect.stringContaining(value) });
});
