/** The S3 store on a service that somebody else wrote, where it is installed. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CreateBucketCommand, DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileAccess } from '../../core/files/access.ts';
import { checkPlace, stageOut } from '../../core/files/staging.ts';
import { openStores } from '../../core/files/stores.ts';
import type { FileAccess } from '../../core/values/classes.ts';
import { hasMoto, type Moto, startMoto } from '../support/moto.ts';

describe.skipIf(!hasMoto())('files on a service', () => {
  const bucket = `redex-${randomBytes(4).toString('hex')}`;
  let root: string;
  let files: FileAccess;
  let moto: Moto;
  let s3: S3Client;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'redex-s3-'));
    moto = await startMoto();
    s3 = new S3Client({ ...moto.client, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    files = fileAccess({ root, s3 });
  });

  afterAll(async () => {
    await moto.stop();
    await rm(root, { recursive: true });
  });

  it('keep permission bits and times there and back, also from copies on the service', async () => {
    for (const [name, bytes] of [
      ['small', 10],
      ['large', 9_000_000],
    ] as const) {
      const there = `s3://${bucket}/bits/${name}`;
      await writeFile(join(root, name), Buffer.alloc(bytes), { mode: 0o750 });
      await utimes(join(root, name), 1, 1_500_000_000.25);
      await files.copy(name, there, { gunzip: false });
      await files.copy(there, `${there}-copy`, { gunzip: false });
      await files.copy(`${there}-copy`, `${name}-back`, { gunzip: false });
      const { mode, mtimeMs } = await stat(join(root, `${name}-back`));
      expect(mode & 0o777).toBe(0o750);
      expect(mtimeMs).toBeCloseTo(1_500_000_000_250, 2);
    }
  });

  it('come back as they were written, under odd names too', async () => {
    for (const name of ['plain', 'a b/ü 🧬', '%20+?#&=', 'quo\'te"d']) {
      const location = `s3://${bucket}/odd/${name}`;
      const version = await files.write(location, name);
      expect(await files.text(location)).toBe(name);
      expect(await files.version('file', location)).toBe(version);
      await files.copy(location, `s3://${bucket}/copies/${name}`, { gunzip: false });
      expect(await files.text(`s3://${bucket}/copies/${name}`)).toBe(name);
    }
    expect(await files.list(`s3://${bucket}/odd/`)).toHaveLength(4);
  });

  it('of many parts arrive whole, from the disk and back', async () => {
    const bytes = randomBytes(30 * 1024 * 1024 + 5);
    await writeFile(join(root, 'large'), bytes);
    const version = await files.copy('large', `s3://${bucket}/large`, { gunzip: false });
    expect(await files.version('file', `s3://${bucket}/large`)).toBe(version);
    const back = await files.copy(`s3://${bucket}/large`, 'back', { gunzip: false });
    expect(back).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('may be gunzipped and joined on the way', async () => {
    await files.write(`s3://${bucket}/1.gz`, gzipSync('one\n'));
    await files.write('2.gz', gzipSync('two\n'));
    await files.concat([`s3://${bucket}/1.gz`, '2.gz'], `s3://${bucket}/all.gz`);
    expect(gunzipSync(await files.bytes(`s3://${bucket}/all.gz`)).toString()).toBe('one\ntwo\n');
    await files.copy(`s3://${bucket}/all.gz`, `s3://${bucket}/all`, { gunzip: true });
    expect(await files.text(`s3://${bucket}/all`)).toBe('one\ntwo\n');
  });

  it('that are missing have no version, and say so when they are read', async () => {
    expect(await files.version('file', `s3://${bucket}/none`)).toBeUndefined();
    expect(await files.version('dir', `s3://${bucket}/none/`)).toBeUndefined();
    await expect(files.text(`s3://${bucket}/none`)).rejects.toMatchObject({ name: 'InputMissing' });
    await expect(files.text('s3://redex-no-such-bucket/x')).rejects.toMatchObject({ name: 'FileRefused' });
  });

  it('do not list their neighbours with longer names', async () => {
    await files.write(`s3://${bucket}/dir/one`, '1');
    await files.write(`s3://${bucket}/dir2/two`, '2');
    expect(await files.list(`s3://${bucket}/dir/`)).toEqual([`s3://${bucket}/dir/one`]);
  });

  describe('in a directory that is an output', () => {
    const output = (place: string) => ({ kind: 'dir', location: `s3://${bucket}/${place}/`, name: 'made' }) as const;

    /** What a script has made, each file with its name in it, is staged out. */
    async function stage(place: string, names: readonly string[], client = s3): Promise<string> {
      const folder = await mkdtemp(join(root, 'work-'));
      await mkdir(join(folder, 'made/deep'), { recursive: true });
      for (const name of names) await writeFile(join(folder, 'made', name), name);
      const stores = openStores({ root, s3: client });
      await checkPlace(stores, output(place), folder);
      return (await stageOut(stores, output(place), folder, new AbortController().signal)).version;
    }

    const names = async (place: string): Promise<string[]> => {
      const { location } = output(place);
      return (await files.list(location)).map((each) => each.slice(location.length));
    };

    it('are exactly those that the last script made', async () => {
      const first = await stage('exact', ['a', 'b', 'deep/c']);
      expect(await names('exact')).toEqual(['a', 'b', 'deep/c']);
      const second = await stage('exact', ['b', 'd']);
      expect(await names('exact')).toEqual(['b', 'd']);
      expect(second).not.toBe(first);
      expect(await stage('exact', ['a', 'b', 'deep/c'])).toBe(first);
    });

    it.each([
      ['beside what is made', 'notes'],
      ['of the name of what is made', 'new'],
    ])("and no user's: one %s is named, and nothing is written", async (_, foreign) => {
      await stage(`foreign-${foreign}`, ['old']);
      await files.write(`${output(`foreign-${foreign}`).location}${foreign}`, 'mine');
      await expect(stage(`foreign-${foreign}`, ['new', 'more'])).rejects.toMatchObject({
        name: 'FileRefused',
        message: expect.stringContaining(
          `it holds s3://${bucket}/foreign-${foreign}/${foreign}, which no job put there`,
        ),
      });
      expect(await names(`foreign-${foreign}`)).toEqual([foreign, 'old'].sort());
      expect(await files.text(`${output(`foreign-${foreign}`).location}${foreign}`)).toBe('mine');
    });

    it('of before redex marked what it made are refused by name when others are made, and go on when they are moved away', async () => {
      for (const name of ['a', 'b']) await files.write(`${output('before').location}${name}`, name);
      await expect(stage('before', ['b', 'c'])).rejects.toMatchObject({
        message: expect.stringMatching(/it holds .*before\/a, which no job put there; move it away/),
      });
      expect(await names('before')).toEqual(['a', 'b']);
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'before/a' }));
      await stage('before', ['b', 'c']);
      await stage('before', ['c']);
      expect(await names('before')).toEqual(['c']);
    });

    it("are taken over where they are equal; a copy of one from elsewhere is the user's", async () => {
      await files.write(`${output('equal').location}a`, 'a');
      await stage('equal', ['a', 'b']);
      expect(await names('equal')).toEqual(['a', 'b']);
      await files.copy(`${output('equal').location}a`, `${output('copied').location}a`, { gunzip: false });
      await expect(stage('copied', ['b'])).rejects.toMatchObject({ name: 'FileRefused' });
    });

    it('are exactly those of a directory that is copied there, from the service and from the disk', async () => {
      const [from, to] = [output('original').location, output('copy').location];
      await stage('original', ['a', 'b']);
      await files.copyDir(from, to);
      await stage('original', ['b', 'c']);
      await files.copyDir(from, to);
      expect(await names('copy')).toEqual(['b', 'c']);
      await files.write('on-disk/d', 'd');
      await files.copyDir('on-disk/', to);
      expect(await names('copy')).toEqual(['d']);
      await files.write(`${to}mine`, 'mine');
      await expect(files.copyDir(from, to)).rejects.toThrow('which no job put there');
    });

    it('are no result while they are half the old ones, and are right after the next job', async () => {
      const broken = new S3Client({ ...moto.client, forcePathStyle: true });
      broken.middlewareStack.add(
        (next, { commandName }) =>
          async (args) => {
            if (commandName === 'DeleteObjectCommand') throw new Error('the machine is lost');
            return await next(args);
          },
        { step: 'initialize' },
      );
      const first = await stage('half', ['a', 'b']);
      await expect(stage('half', ['b', 'c'], broken)).rejects.toThrow('the machine is lost');
      const half = await files.version('dir', output('half').location);
      const second = await stage('half', ['b', 'c']);
      expect(new Set([first, half, second]).size).toBe(3);
      expect(await names('half')).toEqual(['b', 'c']);
    });
  });
});
