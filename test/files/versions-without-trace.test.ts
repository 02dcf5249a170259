import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { observeFiles } from '../../core/files/observe.ts';
import { scratchFolder } from '../support/project.ts';

/** More than what is hashed as fast as its memo is read. */
const BYTES = 200_000;

it('versions that are not to be noted are looked up where they are known, and nothing is written', async () => {
  const root = await scratchFolder();
  const versions = join(root, 'versions');
  const notes = () => globSync('versions/**/*', { cwd: root }).length;
  const large = { kind: 'file', location: 'large' } as const;
  await writeFile(join(root, 'large'), Buffer.alloc(BYTES, 1));
  const [seen] = await observeFiles({ root, versions, notesVersions: false }).observe([large]);
  expect(seen).toMatch(/^[0-9a-f]{64}$/);
  expect(notes()).toBe(0);
  expect(await observeFiles({ root, versions }).observe([large])).toEqual([seen]);
  const noted = notes();
  expect(noted).toBeGreaterThan(0);
  expect(await observeFiles({ root, versions, notesVersions: false }).observe([large])).toEqual([seen]);
  expect(notes()).toBe(noted);
});
