import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takenOf } from '../../core/engine/places.ts';
import { observeFiles } from '../../core/files/observe.ts';
import type { EvalHash } from '../../core/values/ids.ts';
import { scratchFolder } from '../support/project.ts';

describe('places', () => {
  it('have one text for all their locations, by way of links and of case', async () => {
    const root = await scratchFolder();
    const folder = join(root, 'real');
    await mkdir(join(folder, 'inner'), { recursive: true });
    await symlink('real', join(root, 'alias'));
    await symlink('inner', join(folder, 'd'));
    await writeFile(join(folder, 'target'), '');
    await symlink('target', join(folder, 'replaced'));
    // A folder that is found under both names looks the same as on a file system without case.
    await mkdir(join(root, 'caseless'));
    await symlink('caseless', join(root, 'CASELESS'));
    const { places } = observeFiles({ root });
    const same = async (...locations: string[]) => new Set(await places(locations)).size;
    expect(await same('real/x', 'alias/x', './real//y/../x', join(root, 'alias/x'))).toBe(1);
    expect(await same('real/new/x', 'alias/new/x')).toBe(1);
    expect(await same('real/d', 'real/d/', 'alias/inner/', 'real/inner')).toBe(1);
    expect(await same('caseless/New', 'caseless/new', 'caseless/NEW/')).toBe(1);
    expect(await same('caseless/2/New', 'caseless/2/new')).toBe(1);
    expect(await same('s3://bucket/a', 's3://bucket/a/')).toBe(1);
    // What is written takes the place of a link to a file.
    expect(await same('real/replaced', 'real/target', 'real/X', 'real/x', 's3://bucket/x', 'ftp://host/x')).toBe(6);
  });

  it('of 10,000 locations in one folder are found with few looks at it', async () => {
    const root = await scratchFolder();
    const locations = Array.from({ length: 10_000 }, (_, at) => `out/deep/deeper/${at}`);
    const found = await observeFiles({ root }).places(locations);
    expect(new Set(found).size).toBe(10_000);
    const taken = takenOf(new Map(found.map((place) => [place, place as EvalHash])));
    expect(found.filter((place) => taken.by(`${place}/below`) !== place)).toEqual([]);
    expect(taken.by(join(root, 'out/deep'))).toBeDefined();
    expect(taken.by(join(root, 'out/dee'))).toBeUndefined();
  });
});
