/** The S3 store on a service that somebody else wrote, where it is installed. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileAccess } from '../../core/files/access.ts';
import type { FileAccess } from '../../core/values/classes.ts';
import { hasMoto, type Moto, startMoto } from '../support/moto.ts';

describe.skipIf(!hasMoto())('files on a service', () => {
  const bucket = `redex-${randomBytes(4).toString('hex')}`;
  let root: string;
  let files: FileAccess;
  let moto: Moto;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'redex-s3-'));
    moto = await startMoto();
    const s3 = new S3Client({ ...moto.client, forcePathStyle: true });
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
});
