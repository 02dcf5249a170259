/** Listings of S3, whose keys are any text: what is listed lands in its folder, or nothing does that is not named. */
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fileAccess } from '../../core/files/access.ts';
import { stageIn } from '../../core/files/staging.ts';
import { openStores } from '../../core/files/stores.ts';

const RUNS = 150;
const client = new S3Client({ region: 'us-east-1' });
const s3 = mockClient(client);

const plain = fc.constantFrom('x', 'y', 'z', 'out', 'x.txt');
const odd = fc.constantFrom(
  '',
  '.',
  '..',
  'a\0',
  '\\',
  '..\\..',
  '-rf',
  'new\nline',
  ' ',
  '\u001b[2J',
  'L'.repeat(300),
);
const segment = fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: odd });
/** Also absolute, `x` beside `x/y`, `x//y`, and with a slash at the end, which is a folder's mark. */
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const isFile = (each: string): boolean => each !== '' && !each.endsWith('/');
const listings = fc.uniqueArray(path, { minLength: 1, maxLength: 5 }).filter((paths) => paths.some(isFile));

function serve(paths: readonly string[]): void {
  s3.reset();
  const Contents = paths.map((each) => ({ Key: `d/${each}`, ETag: `"${Buffer.from(each).toString('hex')}"`, Size: 1 }));
  s3.on(ListObjectsV2Command).resolves({ Contents });
  s3.on(GetObjectCommand).callsFake(({ Key }: { Key: string }) => {
    const body = Buffer.from(Key.slice(2));
    return { Body: Readable.from([body]), ETag: `"${body.toString('hex')}"`, ContentLength: body.length };
  });
}

/** A scene: `in` is the folder that files may land in, all around it is not to be touched. */
async function scene(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'redex-hostile-'));
  for (const folder of ['beside', 'above/in/real']) await mkdir(join(root, folder), { recursive: true });
  for (const file of ['x', 'victim.txt', 'beside/x', 'above/x']) await writeFile(join(root, file), 'kept');
  return root;
}

/** What is below, links as links. */
async function contents(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const stats = await lstat(join(folder, name));
    if (stats.isDirectory()) continue;
    found.set(name, stats.isFile() ? await readFile(join(folder, name), 'utf8') : await readlink(join(folder, name)));
  }
  return found;
}

async function around(root: string): Promise<string[]> {
  const outside = [...(await contents(root))].filter(([name]) => !/^above\/(in|to)\//.test(name));
  return outside.map((entry) => entry.join(' = '));
}

/** Runs `land`; what it says if it failed. */
async function failure(land: () => Promise<unknown>): Promise<string | undefined> {
  return await land().then(
    () => undefined,
    (thrown: Error) => {
      expect(thrown).toMatchObject({ name: 'FileRefused' });
      return thrown.message;
    },
  );
}

/** As it is, or as a message writes it. */
const isNamed = (said: string, paths: readonly string[]): boolean =>
  paths.some((each) => said.includes(each) || said.includes(JSON.stringify(each).slice(1, -1)));

it('a listing that is staged lands in its folder as it is, or is refused by a name in it, and nothing else changes', async () => {
  await fc.assert(
    fc.asyncProperty(listings, async (paths) => {
      serve(paths);
      const root = await scene();
      const before = await around(root);
      const input = { kind: 'dir', location: 's3://b/d/', version: null, name: 'staged', how: 'link' } as const;
      const said = await failure(() =>
        stageIn(openStores({ s3: client }), input, join(root, 'above/in'), new AbortController().signal),
      );
      const listed = paths.filter(isFile);
      if (said === undefined) {
        const landed = await contents(join(root, 'above/in/staged'));
        expect(landed).toEqual(new Map(listed.toSorted().map((each) => [each, each])));
      } else expect(isNamed(said, listed), said).toBe(true);
      expect(await around(root)).toEqual(before);
      await rm(root, { recursive: true });
    }),
    { numRuns: RUNS },
  );
});

it('a listing that is copied through a link lands where that leads as it is, or is refused by a name in it', async () => {
  await fc.assert(
    fc.asyncProperty(listings, async (paths) => {
      serve(paths);
      const root = await scene();
      await symlink('in/real', join(root, 'above/to'));
      const before = await around(root);
      const said = await failure(() => fileAccess({ root, s3: client }).copyDir('s3://b/d/', 'above/to/'));
      const listed = paths.filter(isFile);
      const landed = await contents(join(root, 'above/in/real'));
      expect(landed).toEqual(new Map(said === undefined ? listed.toSorted().map((each) => [each, each]) : []));
      if (said !== undefined) expect(isNamed(said, listed), said).toBe(true);
      expect(await around(root)).toEqual(before);
      await rm(root, { recursive: true });
    }),
    { numRuns: RUNS },
  );
});
