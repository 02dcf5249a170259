import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseFlags } from '../../cli/arguments.ts';
import { typedLocation } from '../../cli/project.ts';
import { refuseForeignState } from '../../cli/session/where.ts';
import { UsageError } from '../../cli/usage-error.ts';
import { jsonSchemaOf, v } from '../../core/language/params.ts';

it.each([
  ['a.txt', 'data/a.txt'],
  ['../b.txt', 'b.txt'],
  ['sub/', 'data/sub/'],
  ['..', '.'],
  ['../..c/d', '..c/d'],
  ['../../other/c.txt', '/other/c.txt'],
  ['/x/y', '/x/y'],
  ['s3://bucket/key', 's3://bucket/key'],
])('%s typed in a folder of the project means %s', (typed, location) => {
  expect(typedLocation('/project', '/project/data', typed)).toBe(location);
});

it('files, directories and lists of files are relative to where they were typed, texts are as they stand', () => {
  const params = jsonSchemaOf(v.object({ f: v.file(), d: v.dir(), l: v.array(v.file()), t: v.string() }));
  const words = ['--f', 'a', '--d', 'b', '--l', 'c', '--l', 'd', '--t', 'e'];
  const workflow = { name: 'w', description: undefined, params };
  expect(parseFlags(workflow, words, {}, (typed) => `in/${typed}`)).toEqual({
    kind: 'arguments',
    args: { f: 'in/a', d: 'in/b', l: ['in/c', 'in/d'], t: 'e' },
  });
});

it('the state of another user is refused in one line, one of this user or none at all is not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redex-'));
  try {
    const { uid } = statSync(folder);
    expect(() => refuseForeignState(folder, uid)).not.toThrow();
    expect(() => refuseForeignState(join(folder, 'none'), uid + 1)).not.toThrow();
    expect(() => refuseForeignState(folder, uid + 1)).toThrow(UsageError);
    expect(() => refuseForeignState(folder, uid + 1)).toThrow(/^[^\n]+ belongs to another user [^\n]+$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
