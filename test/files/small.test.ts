import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { mapConcurrent } from '../../core/disk/concurrent.ts';
import { localStore } from '../../core/files/local.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { smallFiles } from '../../core/files/small.ts';
import { stageIn, stageOut } from '../../core/files/staging.ts';
import { openStores } from '../../core/files/stores.ts';
import { scratchFolder } from '../support/project.ts';

/** A byte less than a file that is not small has. */
const SMALL_BYTES_MAX = 64 * 1024 - 1;

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** From now on every call seems to take so long. */
function callsTake(ms: number): void {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += ms));
  onTestFinished(() => clock.mockRestore());
}

/** A directory as a script may have made it, by name, with the bytes, permission bits and times. */
function stateOf(folder: string): unknown {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((path) => lstatSync(join(folder, path)).isFile())
    .map((path) => {
      const { mode, mtimeMs } = statSync(join(folder, path));
      return [path, mode & 0o777, mtimeMs, sha256(readFileSync(join(folder, path)))];
    });
}

describe('a small file', () => {
  it('has the version of its bytes, whatever its size, and none where it is large, missing or none', async () => {
    const root = await scratchFolder();
    callsTake(0);
    const small = smallFiles();
    for (const size of [0, 1, 1000, SMALL_BYTES_MAX]) {
      const bytes = Buffer.alloc(size, `${size}`);
      writeFileSync(join(root, 'it'), bytes);
      expect(small.version(join(root, 'it'))).toEqual({ version: sha256(bytes), bytes: size });
      expect(small.read(join(root, 'it'))?.bytes).toEqual(bytes);
    }
    writeFileSync(join(root, 'large'), Buffer.alloc(SMALL_BYTES_MAX + 1));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    symlinkSync('nothing', join(root, 'lost'));
    for (const name of ['large', 'pipe', 'lost', 'missing', '.', 'it/below', 'x'.repeat(300)]) {
      expect(small.version(join(root, name)), name).toBeUndefined();
      expect(small.read(join(root, name)), name).toBeUndefined();
    }
    // It says that it has no bytes, and has some.
    expect(small.version('/proc/self/status')).toBeUndefined();
  });

  it('leaves nothing behind where it cannot be written', async () => {
    const root = await scratchFolder();
    await mkdir(join(root, 'taken/inside'), { recursive: true });
    await expect(localStore({ root }).write('taken', [Buffer.from('x')])).rejects.toThrow('a folder of that name');
    expect(readdirSync(root)).toEqual(['taken']);
  });

  it('is for those of the umask, with its new folders, also where it brings no mode along', async () => {
    const root = await scratchFolder();
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    for (const [place, umask] of [
      ['a', 0],
      ['b', 0o022],
    ] as const) {
      await localStore({ root, umask }).write(`${place}/new/file`, [Buffer.from('x')]);
      const modes = [place, `${place}/new`, `${place}/new/file`].map((path) => statSync(join(root, path)).mode & 0o777);
      expect(modes).toEqual([0o777 & ~umask, 0o777 & ~umask, 0o666 & ~umask]);
    }
  });

  it('has the same version, and goes in and out as it is, where the file system is slow', async () => {
    const root = await scratchFolder();
    await mkdir(join(root, 'in/deep'), { recursive: true });
    for (const path of ['in/one', 'in/deep/two', 'in/deep/three']) {
      writeFileSync(join(root, path), path);
      chmodSync(join(root, path), 0o750);
      utimesSync(join(root, path), 1e9, 1e9);
    }
    const made = async (out: string) => {
      const stores = openStores({ root });
      const { signal } = new AbortController();
      const [version] = await observeFiles({ root }).observe([{ kind: 'dir', location: 'in/' }]);
      const work = await scratchFolder();
      const input = { kind: 'dir', location: 'in/', version: String(version), name: 'd', how: 'copy' } as const;
      await stageIn(stores, input, work, signal);
      const written = await stageOut(stores, { kind: 'dir', location: out, name: 'd' }, work, signal);
      return [version, written, stateOf(join(work, 'd')), stateOf(join(root, out))];
    };
    callsTake(0);
    const quick = await made('quick/');
    callsTake(100);
    expect(await made('slow/')).toEqual(quick);
    expect(quick[3]).toHaveLength(3);
  });

  it('that is asked for in vain for long is not asked for by this thread again soon', async () => {
    const path = join(await scratchFolder(), 'it');
    await writeFile(path, 'x');
    callsTake(100);
    const small = smallFiles();
    const seen = Array.from({ length: 300 }, () => small.version(path) !== undefined);
    expect(seen.slice(0, 4)).toEqual([true, true, true, false]);
    expect(seen.filter((by) => by)).toHaveLength(4);
  });
});

describe('many small files', () => {
  it('are dealt with while timers have their turn', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    onTestFinished(() => clearInterval(timer));
    const busy = (): Promise<void> => {
      for (const end = performance.now() + 5; performance.now() < end; );
      return Promise.resolve();
    };
    await mapConcurrent(Array.from({ length: 40 }), 4, busy);
    expect(turns).toBeGreaterThan(2);
  });

  it('in a directory are in their own folders once they are staged, and their names are kept to the byte', async () => {
    const root = await scratchFolder();
    const names = Array.from({ length: 2_000 }, (_, at) => `d${at % 7}/e${at % 3}/${at} ö'"\n`);
    for (const name of names) {
      await mkdir(join(root, 'many', name, '..'), { recursive: true });
      writeFileSync(join(root, 'many', name), name);
    }
    const input = { kind: 'dir', location: 'many/', version: null, name: 'x/many', how: 'link' } as const;
    const work = await scratchFolder();
    await stageIn(openStores({ root }), input, work, new AbortController().signal);
    expect(stateOf(join(work, 'x/many'))).toEqual(stateOf(join(root, 'many')));
  });
});
