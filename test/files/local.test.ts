import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Unseen } from '../../core/engine/ports.ts';
import { fileAccess } from '../../core/files/access.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { errorLine } from '../../core/graph/errors.ts';
import type { FileAccess } from '../../core/values/classes.ts';
import { ABSENT } from '../../core/values/table.ts';

let root: string;
let files: FileAccess;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'redex-files-'));
  files = fileAccess({ root, versions: join(root, '.versions'), placed: join(root, '.placed') });
});

afterAll(() => rm(root, { recursive: true }));

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function folder(name: string, contents: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(contents)) await files.write(`${name}/${path}`, content);
  await mkdir(join(root, name), { recursive: true });
  return `${name}/`;
}

describe('a local file', () => {
  it('is written whole, read back, and has the SHA-256 of its bytes as version', async () => {
    const version = await files.write('a/b/text', 'täxt\n');
    expect(version).toBe(sha256('täxt\n'));
    expect(await files.text('a/b/text')).toBe('täxt\n');
    expect(await files.bytes(join(root, 'a/b/text'))).toEqual(Buffer.from('täxt\n'));
    expect(await files.version('file', 'a/b/text')).toBe(version);
    expect(await files.write('a/b/bytes', new Uint8Array([0, 255]))).toBe(sha256(new Uint8Array([0, 255])));
  });

  it('has no version when it is not there, or is below a file', async () => {
    await files.write('there', 'x');
    for (const location of ['nothing', 'no/such/folder', 'there/below', 'x'.repeat(300)]) {
      expect(await files.version('file', location)).toBeUndefined();
    }
  });

  it.each([
    ['a folder', 'mkdir it'],
    ['a named pipe', 'mkfifo it'],
    ['a device', 'ln -s /dev/null it'],
    ['a link that leads nowhere', 'ln -s nowhere it'],
  ])('is not said to be missing when it is %s', async (kind, command) => {
    const place = await mkdtemp(join(root, 'kind-'));
    execFileSync('sh', ['-c', command], { cwd: place });
    const location = join(place, 'it');
    const wanted = { name: 'FileRefused', message: `${location} is ${kind}, not a file` };
    await expect(files.version('file', location)).rejects.toMatchObject(wanted);
    await expect(files.text(location)).rejects.toMatchObject(
      kind.startsWith('a link') ? { name: 'InputMissing' } : wanted,
    );
  });

  it('that is missing is named when it is read', async () => {
    await expect(files.text('nothing here')).rejects.toMatchObject({
      name: 'InputMissing',
      message: '"nothing here" does not exist',
    });
  });

  it.each(['with space', `quo'te"d`, 'gen-öm 🧬', 'line\nend', '$HOME `x` \\', '-dash', '*', '%20', '#x?y=z'])(
    'may be called %j',
    async (name) => {
      const location = `odd/${name}`;
      const version = await files.write(location, name);
      expect(await files.text(location)).toBe(name);
      expect(await files.copy(location, `odd-copy/${name}`, { gunzip: false })).toBe(version);
      expect(await files.list('odd/')).toContain(location);
      expect(await observeFiles({ root }).observe([{ kind: 'file', location }])).toEqual([version]);
    },
  );

  it('is never seen half-written, and a write that fails leaves the old one and nothing else', async () => {
    await files.write('half/file', 'old');
    await files.write('half/not-gzip', 'plain text');
    await expect(files.copy('half/not-gzip', 'half/file', { gunzip: true })).rejects.toThrow(/cannot be unzipped/);
    await expect(files.concat(['half/file', 'half/missing'], 'half/file')).rejects.toMatchObject({
      name: 'InputMissing',
    });
    expect(await files.text('half/file')).toBe('old');
    expect((await readdir(join(root, 'half'))).sort()).toEqual(['file', 'not-gzip']);
  });

  it('that cannot be written says why', async () => {
    await files.write('plain', 'x');
    await mkdir(join(root, 'taken/inside'), { recursive: true });
    await expect(files.write('plain/below', 'x')).rejects.toMatchObject({
      name: 'FileRefused',
      location: 'plain/below',
    });
    await expect(files.write('taken', 'x')).rejects.toThrow(/there is a folder of that name/);
    await expect(files.write('nul\0', 'x')).rejects.toThrow(/NUL/);
    await expect(files.text('taken')).rejects.toThrow(/is a folder, not a file/);
  });

  it('by a relative path is refused where there is no folder it could be relative to', async () => {
    await expect(fileAccess({}).text('x')).rejects.toThrow(/relative path/);
  });

  it('of a scheme that nobody knows is refused', async () => {
    await expect(files.text('gs://bucket/x')).rejects.toThrow(/only s3:\/\/, https:\/\/ and local paths/);
  });
});

describe('a copy', () => {
  it('has the version of its source, and gunzips all members on the way when asked to', async () => {
    const zipped = Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]);
    await files.write('zip/a.gz', zipped);
    expect(await files.copy('zip/a.gz', 'zip/b.gz', { gunzip: false })).toBe(sha256(zipped));
    expect(await files.copy('zip/a.gz', 'zip/a', { gunzip: true })).toBe(sha256('one\ntwo\n'));
    expect(await files.text('zip/a')).toBe('one\ntwo\n');
  });

  it('of a file onto itself touches nothing, also through links', async () => {
    const version = await files.write('self/file', 'same');
    await symlink('file', join(root, 'self/soft'));
    await link(join(root, 'self/file'), join(root, 'self/hard'));
    const before = await stat(join(root, 'self/file'), { bigint: true });
    for (const name of ['self/file', './self//file', 'self/soft', 'self/hard']) {
      expect(await files.copy('self/file', name, { gunzip: false })).toBe(version);
    }
    const after = await stat(join(root, 'self/file'), { bigint: true });
    expect([after.ino, after.mtimeNs, after.ctimeNs, after.nlink]).toEqual([
      before.ino,
      before.mtimeNs,
      before.ctimeNs,
      2n,
    ]);
  });

  it('of several files one after another is a valid gzip file when they are', async () => {
    const lanes = ['lane 1\n', 'lane 2\n', ''].map((text) => gzipSync(text));
    await Promise.all(lanes.map((lane, at) => files.write(`lanes/${at}.gz`, lane)));
    const version = await files.concat(['lanes/0.gz', 'lanes/1.gz', 'lanes/2.gz'], 'lanes/all.gz');
    const all = await readFile(join(root, 'lanes/all.gz'));
    expect(version).toBe(sha256(all));
    expect(gunzipSync(all).toString()).toBe('lane 1\nlane 2\n');
    expect(await files.concat([], 'lanes/none')).toBe(sha256(''));
  });

  it('may read what it replaces', async () => {
    await files.write('grow', 'a');
    await files.concat(['grow', 'grow'], 'grow');
    expect(await files.text('grow')).toBe('aa');
  });
});

describe('a copy of a directory', () => {
  // Acceptance: 48.
  it('holds exactly what the directory holds, also when it is made anew', async () => {
    await folder('original', { a: '1', 'deep/b': '2' });
    await files.copyDir('original/', 'copies/one/');
    await rm(join(root, 'original/a'));
    await files.write('original/deep/c', '3');
    await files.copyDir('original/', 'copies/one/');
    expect(await files.list('copies/one/')).toEqual(['copies/one/deep/b', 'copies/one/deep/c']);
    expect(await files.version('dir', 'copies/one/')).toBe(await files.version('dir', 'original/'));
  });

  it('is refused where a file is that no job put there, or the original, or nothing is to be copied', async () => {
    await folder('source', { a: '1' });
    await folder('users', { notes: 'mine', 'source/a': '1' });
    await expect(files.copyDir('source/', 'users/')).rejects.toThrow('it holds notes, which no job put there');
    await expect(files.copyDir('users/source/', 'users/')).rejects.toThrow('which is to be copied');
    await expect(files.copyDir('nothing/', 'users/')).rejects.toMatchObject({ name: 'InputMissing' });
    expect(await files.list('users/')).toEqual(['users/notes', 'users/source/a']);
  });

  it('onto itself touches nothing, also through a link', async () => {
    await folder('itself', { a: '1' });
    await symlink('itself', join(root, 'alias'));
    const before = await stat(join(root, 'itself'), { bigint: true });
    await files.copyDir('itself/', 'alias/');
    expect((await stat(join(root, 'itself'), { bigint: true })).ino).toBe(before.ino);
  });
});

describe('a copy of a file', () => {
  it('keeps permission bits and the time of its source', async () => {
    await files.write('bits/tool', 'x');
    await chmod(join(root, 'bits/tool'), 0o750);
    await utimes(join(root, 'bits/tool'), 1, 1_500_000_000.25);
    await files.copy('bits/tool', 'bits/copy', { gunzip: false });
    const { mode, mtimeMs } = await stat(join(root, 'bits/copy'));
    expect(mode & 0o777).toBe(0o750);
    expect(mtimeMs).toBeCloseTo(1_500_000_000_250, 2);
  });
});

describe('a directory', () => {
  it('lists files at any depth, sorted by code unit, without empty folders and files under way', async () => {
    const location = await folder('tree', { b: '', 'a/z': '', 'a/é': '', 'a/B/deep': '', '.hidden': '' });
    await mkdir(join(root, 'tree/empty/inner'), { recursive: true });
    await writeFile(join(root, 'tree/.redex-0123456789abcdef.part'), 'half');
    expect(await files.list(location)).toEqual(['tree/.hidden', 'tree/a/B/deep', 'tree/a/z', 'tree/a/é', 'tree/b']);
    expect(await files.list(join(root, 'tree'))).toHaveLength(5);
  });

  // Acceptance: 41.
  it('does not list its neighbours with longer names', async () => {
    await folder('dir', { one: '' });
    await folder('dir2', { two: '' });
    expect(await files.list('dir/')).toEqual(['dir/one']);
  });

  it('has a version that covers paths and contents, not where it is or when it was made', async () => {
    const first = await files.version('dir', await folder('v1', { 'x/a': '1', b: '2' }));
    expect(await files.version('dir', await folder('v2', { b: '2', 'x/a': '1' }))).toBe(first);
    expect(await files.version('dir', await folder('v3', { b: '2', 'x/a': '!' }))).not.toBe(first);
    expect(await files.version('dir', await folder('v4', { b: '2', 'y/a': '1' }))).not.toBe(first);
    await mkdir(join(root, 'v1/empty'));
    expect(await files.version('dir', 'v1/')).toBe(first);
  });

  it('has no version when it is not there, or holds no files; a file is said to be one', async () => {
    await folder('hollow/inner', {});
    await files.write('just-a-file', 'x');
    for (const location of ['nowhere/', 'hollow/']) expect(await files.version('dir', location)).toBeUndefined();
    await expect(files.version('dir', 'just-a-file/')).rejects.toThrow('just-a-file/ is a file, not a folder');
    await expect(files.list('nowhere/')).rejects.toMatchObject({ name: 'InputMissing' });
    expect(await files.list('hollow/')).toEqual([]);
  });

  it('follows links that stay inside', async () => {
    await folder('links', { 'real/file': 'x' });
    await symlink('real', join(root, 'links/alias'));
    await symlink('../links/real/file', join(root, 'links/one'));
    expect(await files.list('links/')).toEqual(['links/alias/file', 'links/one', 'links/real/file']);
  });

  it.each([
    ['leaves', '../outside', /the link x, which leads out of it/],
    ['leaves by a name that only begins the same', '../linked2/file', /leads out of it/],
    ['leads nowhere', 'nothing', /leads nowhere/],
    ['leads around in a circle', '.', /around in a circle/],
  ])('refuses a link that %s', async (_, target, message) => {
    await rm(join(root, 'linked'), { recursive: true, force: true });
    await folder('linked', { file: 'x' });
    await folder('linked2', { file: 'x' });
    await files.write('outside', 'x');
    await symlink(target, join(root, 'linked/x'));
    await expect(files.list('linked/')).rejects.toThrow(message);
    await expect(files.version('dir', 'linked/')).rejects.toMatchObject({ name: 'FileRefused' });
    const [seen] = await observeFiles({ root }).observe([{ kind: 'dir', location: 'linked/' }]);
    expect(seen).toEqual({ unseen: expect.anything() });
  });
});

describe('a look at many files', () => {
  it('gives a version for each in order, ABSENT where there is none, and why where nobody can tell', async () => {
    const version = await files.write('look/one', '1');
    const dir = await files.version('dir', 'look/');
    const seen = await observeFiles({ root }).observe([
      { kind: 'file', location: 'look/none' },
      { kind: 'file', location: 'look/one' },
      { kind: 'dir', location: 'look/' },
      { kind: 'file', location: 'look/one' },
      { kind: 'file', location: 'gs://unknown/scheme' },
    ]);
    expect(seen).toEqual([ABSENT, version, dir, version, { unseen: expect.anything() }]);
    const { unseen } = seen[4] as Unseen;
    expect(errorLine(unseen)).toMatch(/^FileRefused: gs:\/\/unknown\/scheme cannot be reached/);
    expect(await observeFiles({ root }).observe([])).toEqual([]);
  });
});

describe('a remembered version', () => {
  const big = (letter: string): string => letter.repeat(200_000);
  const memos = async (): Promise<number> => (await readdir(join(root, '.versions'), { recursive: true })).length;

  it('is used while the file stays as it was, by other processes too', async () => {
    const version = await files.write('memo/kept', big('a'));
    const path = join(root, '.versions');
    const [name] = (await readdir(path, { recursive: true })).filter((each) => each.length > 10);
    await writeFile(
      join(path, name as string),
      (await readFile(join(path, name as string), 'utf8')).replace(version, 'remembered'),
    );
    expect(await fileAccess({ root, versions: path }).version('file', 'memo/kept')).toBe('remembered');
    await utimes(join(root, 'memo/kept'), 1, 1);
    expect(await files.version('file', 'memo/kept')).toBe(version);
  });

  it('is not believed after the same number of bytes was written within the same tick', async () => {
    const path = join(root, 'memo/quick');
    for (let round = 0; round < 20; round++) {
      const letters = round % 2 ? ['a', 'b'] : ['b', 'a'];
      await writeFile(path, big(letters[0] as string));
      const looking = files.version('file', path);
      if (round % 3 === 0) await sleep(round);
      await looking;
      await writeFile(path, big(letters[1] as string));
      expect(await files.version('file', path)).toBe(sha256(big(letters[1] as string)));
    }
  });

  it('is not believed for another file put in its place with the same times', async () => {
    const path = join(root, 'memo/swapped');
    await writeFile(path, big('a'));
    await files.version('file', path);
    const { atime, mtime } = await stat(path);
    await writeFile(`${path}.new`, big('b'));
    await utimes(`${path}.new`, atime, mtime);
    await rename(`${path}.new`, path);
    expect(await files.version('file', path)).toBe(sha256(big('b')));
  });

  it('of what was just written here needs no second look', async () => {
    const before = await memos();
    await files.write('memo/written', big('w'));
    expect(await memos()).toBeGreaterThan(before);
    await appendFile(join(root, 'memo/written'), '!');
    expect(await files.version('file', 'memo/written')).toBe(sha256(`${big('w')}!`));
  });

  it('that is damaged is made anew', async () => {
    const version = await files.write('memo/damaged', big('d'));
    for (const name of await readdir(join(root, '.versions'), { recursive: true })) {
      if (name.length > 10) await writeFile(join(root, '.versions', name), '{"path": tru');
    }
    expect(await files.version('file', 'memo/damaged')).toBe(version);
  });
});

// Acceptance: 49.
it('large files pass with flat memory', async () => {
  const program = `
    import { fileAccess } from ${JSON.stringify(join(import.meta.dirname, '../../core/files/access.ts'))};
    import { truncate, writeFile } from 'node:fs/promises';
    const files = fileAccess({ root: ${JSON.stringify(root)} });
    await writeFile('${root}/large', '');
    await truncate('${root}/large', 300e6);
    const before = process.memoryUsage().rss;
    await files.copy('large', 'large-copy', { gunzip: false });
    await files.concat(['large'], 'large-concat');
    await files.version('file', 'large');
    console.log((process.resourceUsage().maxRSS * 1024 - before) / 1e6);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let grown = '';
  child.stdout.on('data', (chunk) => (grown += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  expect(Number(grown)).toBeGreaterThan(0);
  expect(Number(grown)).toBeLessThan(150);
});
