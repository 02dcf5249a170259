/** Authors' code in the reducer, which has credentials: both run as one user, and what keeps them apart is Node. */

import { existsSync, writeFileSync } from 'node:fs';
import { url } from 'node:inspector';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { fileAccess } from '../../core/files/access.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { type ClosableHost, workerHost } from '../../core/host/host.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import type { Hash } from '../../core/values/ids.ts';
import { project, scratchFolder } from '../support/project.ts';

/** What is tried, as code that gives what it was after. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  "reading the reducer's environment": "fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8')",
  'reading its own': "fs.readFileSync('/proc/self/environ', 'utf8')",
  'reading by a path that leads away from the bundle':
    "fs.readFileSync(process.argv[2] + '/../../../../proc/self/environ')",
  'reading by a path of bytes': "fs.readFileSync(Buffer.from('/proc/self/environ'), 'utf8')",
  'reading by a URL': "fs.readFileSync(new URL('file:///proc/self/environ'), 'utf8')",
  'reading through a promise': "fs.promises.readFile('/proc/self/environ', 'utf8')",
  'reading through a stream':
    "new Promise((ok, no) => fs.createReadStream('/proc/self/environ').on('data', ok).on('error', no))",
  'reading as a blob': "fs.openAsBlob('/proc/self/environ').then((blob) => blob.text())",
  'reading as variables': "process.loadEnvFile('/proc/self/environ')",
  'loading as a module': "import('file:///proc/self/environ')",
  'copying it to where it may read': "fs.cpSync('/proc/self/environ', assets + 'copy')",
  'a link to it where it may read':
    "fs.mkdirSync(assets, { recursive: true }); fs.symlinkSync('/proc/self/environ', assets + 'link'); return fs.readFileSync(assets + 'link', 'utf8')",
  'a hard link to a file':
    "fs.mkdirSync(assets, { recursive: true }); fs.linkSync('/etc/hostname', assets + 'hard'); return fs.readFileSync(assets + 'hard', 'utf8')",
  'listing a folder': "fs.readdirSync('/')",
  'looking at a file': "fs.statSync('/etc/passwd').size",
  'reading the secrets of another process': "fs.readFileSync(secret, 'utf8')",
  'writing a file': "fs.writeFileSync(secret, 'written')",
  'writing its own bundle': "fs.writeFileSync(process.argv[2], '')",
  'a shell': "get('child_process').execSync('id').toString()",
  'a program': "get('child_process').spawnSync('/bin/cat', ['/proc/self/environ']).stdout.toString()",
  'a program in its place': "process.execve('/bin/cat', ['cat', '/proc/self/environ'], {})",
  'another worker': "get('child_process').fork(process.argv[1])",
  'a thread':
    'new (get(\'worker_threads\').Worker)(\'require("child_process").execSync("id")\', { eval: true, execArgv: [] })',
  'a native addon': "process.dlopen({ exports: {} }, '/usr/lib/x.node')",
  'a debugger': "get('inspector').open(0)",
  'a debugger of its own': "new (get('inspector').Session)().connect()",
  'WebAssembly with a file system': "new (get('wasi').WASI)({ version: 'preview1', preopens: { '/': '/' } })",
  'a database': "new (process.getBuiltinModule('node:sqlite').DatabaseSync)('/tmp/x.db')",
  'a binding of Node itself': "process.binding('spawn_sync').spawn({ file: '/bin/id', args: ['id'], stdio: [] })",
  'another binding': "process._linkedBinding('spawn_sync')",
  'the way back to a loader': "get('module').createRequire('/')('/etc/passwd')",
  'a report': "process.report.writeReport('/tmp/report.json')",
  'more permissions': "process.permission.has('fs.read') || process.permission.has('child') || no()",
};

const TASKS = `
import { readFileSync } from 'node:fs';
import { file, task } from 'redex';
task('c.add', (a: number, b: number) => a + b);
task('c.asset', () => readFileSync(new URL('./data.txt', import.meta.url), 'utf8'));
task('c.text', (at: string) => file(at).text());
task('c.environment', () => ({ ...process.env }));
task('c.push', () => { const held = []; for (;;) held.push(0); });
task('c.buffers', () => { const held = []; for (;;) held.push(Buffer.alloc(16e6, 1)); });
task('c.debug', () => { process.kill(process.ppid, 'SIGUSR1'); return new Promise((done) => setTimeout(done, 200, 1)); });
task('c.try', async (code: string, secret: string) => {
  const get = process.getBuiltinModule;
  const no = () => { throw new Error('denied'); };
  const folder = process.argv[2].slice(0, process.argv[2].lastIndexOf('/'));
  const body = code.includes('return ') ? code : 'return ' + code;
  const tried = new Function('get', 'fs', 'assets', 'secret', 'no', 'return (async () => {' + body + '})()');
  return String(await tried(get, get('fs'), folder + '/assets/', secret, no));
});
`;

describe.skipIf(process.platform !== 'linux')('the code of authors in the reducer', () => {
  let bundle: Hash;
  let folder: string;
  let host: ClosableHost;
  let free: ClosableHost;

  beforeAll(async () => {
    folder = await scratchFolder(afterAll);
    const tasks = await project({ 'tasks.ts': TASKS, 'data.txt': 'beside' }, afterAll);
    const made = await bundleProgram({ entries: [join(tasks, 'tasks.ts')] });
    const objects = folderObjects(join(folder, 'store'));
    await storeBundle(objects, made);
    bundle = made.hash;
    writeFileSync(join(folder, 'secret'), 'secret');
    const options = {
      objects,
      files: () => fileAccess({ root: folder }),
      limits: { timeMs: 3000, memoryMb: 64 },
      log: () => undefined,
    };
    host = workerHost({ ...options, folder: join(folder, 'bundles'), confined: true });
    free = workerHost({ ...options, folder: join(folder, 'free') });
  });

  afterAll(() => Promise.all([host.close(), free.close()]));

  const unknown = (): never => {
    throw new Error('no expression expected');
  };
  const run = async (task: string, args: unknown[] = [], by = host): Promise<unknown> => {
    const result = await by.run(bundle, task, encode(args));
    return decode(result.ok ? result.table : result.error, { task: unknown, expression: unknown });
  };

  it.each(Object.entries(ATTEMPTS))('gets nothing by %s', async (_, code) => {
    const got = await run('c.try', [code, join(folder, 'secret')]);
    expect(got).toBeInstanceOf(Error);
    expect((got as Error).message).toMatch(
      /restricted|disabled|denied|requires full fs|No such (binding|module)|process\.binding|cannot find module|undefined/i,
    );
  });

  it('would get something without that', async () => {
    const environment = await run('c.try', [ATTEMPTS["reading the reducer's environment"], ''], free);
    expect(environment).toContain('PATH=');
    expect(await run('c.try', [ATTEMPTS['a shell'], ''], free)).toContain('uid=');
  });

  it('opens no debugger of the reducer, whose signals it can send', async () => {
    expect(await run('c.debug')).toBe(1);
    expect(url()).toBeUndefined();
  });

  it('does what it is for: computes, reads files through the reducer, and has the files beside its modules', async () => {
    expect(await run('c.add', [1, 2])).toBe(3);
    expect(await run('c.text', ['secret'])).toBe('secret');
    expect(await run('c.asset')).toBe('beside');
    expect(await run('c.environment')).not.toHaveProperty('PATH');
    expect(existsSync(join(folder, 'bundles/assets'))).toBe(true);
  });

  it.each(['c.push', 'c.buffers'])('has no more memory than elsewhere: %s', async (task) => {
    expect(await run(task)).toMatchObject({ name: 'OutOfMemory' });
    expect(await run('c.add', [1, 2])).toBe(3);
  });
});
