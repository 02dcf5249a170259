import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { constant, copyDir, copyFile, Dir, dir, File, file, glob, identity } from '../../core/index.ts';
import { REVIVE } from '../../core/language/callable.ts';
import { provideFileAccess } from '../../core/library/contents.ts';
import { makeBundle } from '../../core/library/entry.ts';
import { EXPRESSION, type Expression, type FileAccess } from '../../core/values/classes.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';

/** Files in memory: locations and contents. A version is the contents. */
const stored = new Map<string, string>();
let copies: string[] = [];

const ACCESS: FileAccess = {
  text: async (location) => stored.get(location) ?? '',
  bytes: async (location) => Buffer.from(stored.get(location) ?? ''),
  write: (location, data) => {
    stored.set(location, String(data));
    return Promise.resolve(String(data));
  },
  copy: (from, to, { gunzip }) => {
    copies.push(`${from} > ${to}${gunzip ? ' unpacked' : ''}`);
    const data = stored.get(from);
    if (data === undefined) return Promise.reject(new Error(`no file ${from}`));
    stored.set(to, data);
    return Promise.resolve(data);
  },
  copyDir: (from, to) => {
    copies.push(`${from} > ${to}`);
    return Promise.resolve();
  },
  concat: async () => '',
  version: async (_kind, location) => stored.get(location),
  list: async (location) => [...stored.keys()].filter((key) => key.startsWith(location.replace('./', ''))).sort(),
};

const bundle = makeBundle(undefined, undefined);

/** Runs the call that a lazy value is. */
function run(lazy: unknown): Promise<unknown> {
  const { name, args } = (lazy as { readonly [EXPRESSION]: Expression })[EXPRESSION];
  return bundle.invoke(name, encode(args)).then((table) => decode(table, REVIVE));
}

beforeAll(() => provideFileAccess(ACCESS));
afterAll(() => provideFileAccess(undefined));
beforeEach(() => {
  copies = [];
  stored.clear();
  for (const name of ['in/a.fq', 'in/b.fq', 'in/deep/c.fq', 'in/d.txt', 'inner/x.fq']) stored.set(name, name);
});

describe('copyFile', () => {
  it('gives the target with its version', async () => {
    expect(await run(copyFile(file('in/a.fq'), 'out/a.fq'))).toEqual(new File('out/a.fq', 'in/a.fq'));
    expect(copies).toEqual(['in/a.fq > out/a.fq']);
  });

  it('has the target in its arguments by location, file or text', () => {
    expect(encode(copyFile(file('a'), file('b')))).toEqual(encode(copyFile(file('a'), 'b')));
    const lazy = copyFile(file('a'), copyFile(file('x'), 'y'));
    expect(encode(lazy)).toContainEqual(['op', 'location', expect.any(Array)]);
  });

  // Acceptance: 48.
  it('leaves what is there when asked to, and unpacks', async () => {
    stored.set('out/a.fq', 'old');
    expect(await run(copyFile(file('in/a.fq'), 'out/a.fq', { skipIfExists: true }))).toEqual(new File('out/a.fq'));
    await run(copyFile(file('in/a.fq'), 'out/b.fq', { skipIfExists: true, gunzip: true }));
    expect(copies).toEqual(['in/a.fq > out/b.fq unpacked']);
  });

  // Acceptance: 48.
  it('copies nothing onto itself', async () => {
    expect(await run(copyFile(file('in/a.fq'), './in//a.fq'))).toEqual(new File('in/a.fq'));
    expect(copies).toEqual([]);
  });
});

describe('copyDir', () => {
  it('gives the target', async () => {
    expect(await run(copyDir(dir('in'), 'out'))).toEqual(new Dir('out'));
    expect(copies).toEqual(['in/ > out/']);
  });

  // Acceptance: 48.
  it('copies nothing onto itself', async () => {
    expect(await run(copyDir(dir('in'), './in//'))).toEqual(new Dir('in'));
    expect(copies).toEqual([]);
  });
});

describe('glob', () => {
  it.each([
    ['in/*.fq', ['in/a.fq', 'in/b.fq']],
    ['in/**/*.fq', ['in/a.fq', 'in/b.fq', 'in/deep/c.fq']],
    ['in/?.{txt,fq}', ['in/a.fq', 'in/b.fq', 'in/d.txt']],
    ['in/a.fq', ['in/a.fq']],
    ['in/x*', []],
    ['inne?/*', ['inner/x.fq']],
    ['in/deep/**', ['in/deep/c.fq']],
  ])('%s', async (pattern, expected) => {
    expect(await run(glob(pattern))).toEqual(expected.map((location) => new File(location)));
  });

  // Acceptance: 48.
  it('has the directory in its arguments, so that a new file is noticed', () => {
    expect(encode(glob('in/deep/*.fq'))).toContainEqual(['dir', 'in/deep/', null]);
    expect(encode(glob('*.fq'))).toContainEqual(['dir', './', null]);
    expect(encode(glob('s3://bucket/a/*.fq'))).toContainEqual(['dir', 's3://bucket/a/', null]);
  });
});

describe('constant and identity', () => {
  it('give their first argument', async () => {
    expect(await run(constant([1, 2], copyFile(file('a'), 'b')))).toEqual([1, 2]);
    expect(await run(identity({ a: 1 }))).toEqual({ a: 1 });
  });
});
