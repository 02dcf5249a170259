/** The S3 store's requests, to the last key. s3-service.test.ts runs it against a service. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { fileAccess } from '../../core/files/access.ts';
import { quote } from '../../core/files/errors.ts';
import { s3Store } from '../../core/files/s3.ts';
import { partBytes } from '../../core/files/s3-upload.ts';
import { stageIn } from '../../core/files/staging.ts';
import { openStores } from '../../core/files/stores.ts';

const client = new S3Client({ region: 'us-east-1' });
const s3 = mockClient(client);
const files = fileAccess({ s3: client });
const store = s3Store(client);

beforeEach(() => {
  s3.reset();
});

const answered = (status: number, name = 'Error'): S3ServiceException =>
  new S3ServiceException({ name, $fault: 'client', message: name, $metadata: { httpStatusCode: status } });
const RESET = 'the connection breaks here';

function* bytesOf(chunks: readonly string[]): Generator<Buffer> {
  for (const chunk of chunks) {
    if (chunk === RESET) throw Object.assign(new Error(RESET), { code: 'ECONNRESET' });
    yield Buffer.from(chunk);
  }
}

const bodyOf = (...chunks: string[]) => Readable.from(bytesOf(chunks)) as never;
const collect = (chunks: AsyncIterable<Uint8Array>): Promise<string> =>
  text(Readable.from(chunks, { objectMode: false }));
const requests = (command: Parameters<typeof s3.commandCalls>[0]) =>
  s3.commandCalls(command).map((call) => call.args[0].input);

describe('an S3 file', () => {
  it('has its ETag as version, and none where it is not there', async () => {
    s3.on(HeadObjectCommand).resolves({ ETag: '"abc-2"', ContentLength: 7 });
    expect(await files.version('file', 's3://b/a key/with ?#% in it')).toBe('abc-2');
    expect(requests(HeadObjectCommand)).toEqual([{ Bucket: 'b', Key: 'a key/with ?#% in it' }]);
    s3.on(HeadObjectCommand).rejects(answered(404, 'NotFound'));
    expect(await files.version('file', 's3://b/none')).toBeUndefined();
  });

  it('is read on condition that it has the version still', async () => {
    s3.on(GetObjectCommand).resolves({ Body: bodyOf('ab', 'c'), ETag: '"v"', ContentLength: 3 });
    expect(await collect(store.read('s3://b/k', 'v'))).toBe('abc');
    expect(requests(GetObjectCommand)).toEqual([{ Bucket: 'b', Key: 'k', IfMatch: '"v"' }]);
    s3.on(GetObjectCommand).rejects(answered(412, 'PreconditionFailed'));
    await expect(collect(store.read('s3://b/k', 'v'))).rejects.toMatchObject({
      name: 'InputChanged',
      location: 's3://b/k',
    });
    s3.on(GetObjectCommand).rejects(answered(404, 'NoSuchKey'));
    await expect(collect(store.read('s3://b/k'))).rejects.toMatchObject({ name: 'InputMissing' });
    s3.on(GetObjectCommand).rejects(answered(403, 'AccessDenied'));
    await expect(collect(store.read('s3://b/k'))).rejects.toThrow(/access denied/);
  });

  it('whose download breaks off is read on from there, if it is still the same', async () => {
    const broken = bodyOf('abc', RESET);
    s3.on(GetObjectCommand)
      .resolvesOnce({ Body: broken, ETag: '"v"', ContentLength: 6 })
      .resolvesOnce({ Body: bodyOf('def'), ETag: '"v"', ContentLength: 3 });
    expect(await collect(store.read('s3://b/k'))).toBe('abcdef');
    expect(requests(GetObjectCommand)).toEqual([
      { Bucket: 'b', Key: 'k' },
      { Bucket: 'b', Key: 'k', IfMatch: '"v"', Range: 'bytes=3-' },
    ]);
  });

  it('is written by one request when it is small, empty too', async () => {
    s3.on(PutObjectCommand).resolves({ ETag: '"new"' });
    expect(await files.write('s3://b/k', 'text')).toBe('new');
    expect(await files.write('s3://b/empty', '')).toBe('new');
    expect(requests(PutObjectCommand)).toEqual([
      { Bucket: 'b', Key: 'k', Body: Buffer.from('text') },
      { Bucket: 'b', Key: 'empty', Body: Buffer.alloc(0) },
    ]);
  });

  it('is written in parts when it is large, and the parts are in order', async () => {
    s3.on(CreateMultipartUploadCommand).resolves({ UploadId: 'u' });
    s3.on(UploadPartCommand).callsFake(({ PartNumber, Body }: { PartNumber: number; Body: Buffer }) => ({
      ETag: `"${PartNumber}:${Body.byteLength}"`,
      ChecksumCRC32: `sum of ${PartNumber}`,
    }));
    s3.on(CompleteMultipartUploadCommand).resolves({ ETag: '"whole-3"' });
    const MIB = 1024 * 1024;
    const chunks = [Buffer.alloc(5 * MIB), Buffer.alloc(5 * MIB), Buffer.alloc(8 * MIB)];
    expect(await store.write('s3://b/k', chunks)).toEqual({ version: 'whole-3', bytes: 18 * MIB });
    expect(requests(CompleteMultipartUploadCommand)).toEqual([
      {
        Bucket: 'b',
        Key: 'k',
        UploadId: 'u',
        MultipartUpload: {
          Parts: [
            { PartNumber: 1, ETag: `"1:${8 * MIB}"`, ChecksumCRC32: 'sum of 1' },
            { PartNumber: 2, ETag: `"2:${8 * MIB}"`, ChecksumCRC32: 'sum of 2' },
            { PartNumber: 3, ETag: `"3:${2 * MIB}"`, ChecksumCRC32: 'sum of 3' },
          ],
        },
      },
    ]);
    const algorithm = { ChecksumAlgorithm: 'CRC32' };
    expect(requests(CreateMultipartUploadCommand)).toMatchObject([algorithm]);
    expect(requests(UploadPartCommand)).toMatchObject([algorithm, algorithm, algorithm]);
  });

  it('does not appear when its source fails, and the parts are given up', async () => {
    s3.on(CreateMultipartUploadCommand).resolves({ UploadId: 'u' });
    s3.on(UploadPartCommand).resolves({ ETag: '"p"' });
    s3.on(AbortMultipartUploadCommand).resolves({});
    const failing = bytesOf(['x'.repeat(20 * 1024 * 1024), RESET]);
    await expect(store.write('s3://b/k', failing)).rejects.toThrow(RESET);
    expect(requests(AbortMultipartUploadCommand)).toEqual([{ Bucket: 'b', Key: 'k', UploadId: 'u' }]);
    expect(requests(CompleteMultipartUploadCommand)).toEqual([]);
  });

  it('may have 5 TiB in 10,000 parts, none of them larger than S3 takes', () => {
    const sizes = Array.from({ length: 10_000 }, (_, at) => partBytes(at + 1));
    expect(sizes[0]).toBe(8 * 1024 ** 2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * 1024 ** 3);
    expect(sizes.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(5 * 1024 ** 4);
  });
});

describe('a copy within S3', () => {
  it('is one request, on condition that the source is what it was', async () => {
    s3.on(HeadObjectCommand).resolves({ ETag: '"v"', ContentLength: 9 });
    s3.on(CopyObjectCommand).resolves({ CopyObjectResult: { ETag: '"copied"' } });
    expect(await files.copy('s3://a/x y/é', 's3://b/k', { gunzip: false })).toBe('copied');
    expect(requests(CopyObjectCommand)).toEqual([
      { Bucket: 'b', Key: 'k', CopySource: 'a/x%20y/%C3%A9', CopySourceIfMatch: '"v"' },
    ]);
  });

  it('onto itself copies nothing', async () => {
    s3.on(HeadObjectCommand).resolves({ ETag: '"v"', ContentLength: 9 });
    expect(await files.copy('s3://a/x', 's3://a/x', { gunzip: false })).toBe('v');
    expect(s3.calls()).toHaveLength(1);
  });

  // Acceptance: 49.
  it('of more than 5 GiB goes by ranges', async () => {
    const GIB = 1024 ** 3;
    s3.on(HeadObjectCommand).resolves({ ETag: '"v"', ContentLength: 6 * GIB + 1 });
    s3.on(CreateMultipartUploadCommand).resolves({ UploadId: 'u' });
    s3.on(UploadPartCopyCommand).resolves({ CopyPartResult: { ETag: '"p"', ChecksumCRC32: 'sum' } });
    s3.on(CompleteMultipartUploadCommand).resolves({ ETag: '"whole"' });
    expect(await files.copy('s3://a/x', 's3://b/k', { gunzip: false })).toBe('whole');
    const ranges = requests(UploadPartCopyCommand).map(
      (input) => (input as { CopySourceRange: string }).CopySourceRange,
    );
    expect(ranges).toHaveLength(13);
    expect(requests(CreateMultipartUploadCommand)).toMatchObject([{ ChecksumAlgorithm: 'CRC32' }]);
    const [whole] = requests(CompleteMultipartUploadCommand) as [{ MultipartUpload: { Parts: unknown[] } }];
    expect(whole.MultipartUpload.Parts[12]).toEqual({ PartNumber: 13, ETag: '"p"', ChecksumCRC32: 'sum' });
    expect(ranges[0]).toBe(`bytes=0-${GIB / 2 - 1}`);
    expect(ranges[12]).toBe(`bytes=${6 * GIB}-${6 * GIB}`);
  });
});

describe('permission bits and times on S3', () => {
  const Metadata = { 'file-permissions': '0755', 'file-mtime': '1580608922123000000ns' };
  const attributes = { mode: 0o755, mtimeMs: 1_580_608_922_123 };
  const told = async (): Promise<unknown> => {
    let seen: unknown;
    await collect(store.read('s3://b/k', undefined, (all) => (seen = all)));
    return seen;
  };

  it('are metadata of what is written, by one request or in parts', async () => {
    s3.on(PutObjectCommand).resolves({ ETag: '"new"' });
    s3.on(CreateMultipartUploadCommand).resolves({ UploadId: 'u' });
    s3.on(UploadPartCommand).resolves({ ETag: '"p"' });
    s3.on(CompleteMultipartUploadCommand).resolves({ ETag: '"whole"' });
    await store.write('s3://b/k', [Buffer.from('x')], () => attributes);
    await store.write('s3://b/k', [Buffer.alloc(9 * 1024 * 1024)], () => attributes);
    expect(requests(PutObjectCommand)).toEqual([{ Bucket: 'b', Key: 'k', Body: Buffer.from('x'), Metadata }]);
    expect(requests(CreateMultipartUploadCommand)).toEqual([
      { Bucket: 'b', Key: 'k', ChecksumAlgorithm: 'CRC32', Metadata },
    ]);
  });

  it('are told when it is read; the time is that of the upload where nobody noted one', async () => {
    const LastModified = new Date(1_700_000_000_000);
    const read = (metadata: Record<string, string>) =>
      s3
        .on(GetObjectCommand)
        .resolves({ Body: bodyOf('x'), ETag: '"v"', ContentLength: 1, Metadata: metadata, LastModified });
    read(Metadata);
    expect(await told()).toEqual(attributes);
    read({ 'file-permissions': '0100644' });
    expect(await told()).toEqual({ mode: 0o644, mtimeMs: LastModified.getTime() });
    read({ 'file-permissions': 'rwx', 'file-mtime': 'yesterday' });
    expect(await told()).toEqual({ mode: undefined, mtimeMs: LastModified.getTime() });
  });

  it('go along with a copy by ranges', async () => {
    s3.on(HeadObjectCommand).resolves({ ETag: '"v"', ContentLength: 6 * 1024 ** 3, Metadata });
    s3.on(CreateMultipartUploadCommand).resolves({ UploadId: 'u' });
    s3.on(UploadPartCopyCommand).resolves({ CopyPartResult: { ETag: '"p"' } });
    s3.on(CompleteMultipartUploadCommand).resolves({ ETag: '"whole"' });
    await files.copy('s3://a/x', 's3://b/k', { gunzip: false });
    expect(requests(CreateMultipartUploadCommand)).toEqual([
      { Bucket: 'b', Key: 'k', ChecksumAlgorithm: 'CRC32', Metadata },
    ]);
  });

  it('come with a download and go with an upload', async () => {
    const root = await mkdtemp(join(tmpdir(), 'redex-bits-'));
    const local = fileAccess({ root, s3: client });
    s3.on(GetObjectCommand).resolves({ Body: bodyOf('x'), ETag: '"v"', ContentLength: 1, Metadata });
    s3.on(PutObjectCommand).resolves({ ETag: '"new"' });
    await local.copy('s3://b/k', 'tool', { gunzip: false });
    const { mode, mtimeMs } = await stat(join(root, 'tool'));
    expect(mode & 0o777).toBe(0o755);
    expect(mtimeMs).toBeCloseTo(attributes.mtimeMs, 2);
    await local.copy('tool', 's3://b/k2', { gunzip: false });
    expect(requests(PutObjectCommand)).toMatchObject([{ Key: 'k2', Metadata }]);
    await rm(root, { recursive: true });
  });
});

describe('an S3 directory', () => {
  it('is listed by its prefix with the slash, page by page, without folder marks', async () => {
    s3.on(ListObjectsV2Command)
      .resolvesOnce({
        Contents: [
          { Key: 'd/', ETag: '"m"', Size: 0 },
          { Key: 'd/z', ETag: '"1"', Size: 1 },
        ],
        IsTruncated: true,
        NextContinuationToken: 't',
      })
      .resolvesOnce({ Contents: [{ Key: 'd/a b', ETag: '"2"', Size: 2 }] });
    expect(await files.list('s3://b/d/')).toEqual(['s3://b/d/a b', 's3://b/d/z']);
    expect(requests(ListObjectsV2Command)).toEqual([
      { Bucket: 'b', Prefix: 'd/' },
      { Bucket: 'b', Prefix: 'd/', ContinuationToken: 't' },
    ]);
  });

  it('has no version when nothing is below it', async () => {
    s3.on(ListObjectsV2Command).resolves({});
    expect(await files.version('dir', 's3://b/d/')).toBeUndefined();
  });

  it.each([
    ['climbs', 'd/../../../victim.txt'],
    ['climbs from below', 'd/x/../../../victim.txt'],
    ['ends with two dots', 'd/..'],
    ['has a dot for a folder', 'd/./a'],
    ['has an empty segment', 'd//a'],
    ['has an empty segment further down', 'd/x//a'],
    ['holds a NUL character', 'd/a\0b'],
  ])('with a key that %s is refused by name, however it is used', async (_, Key) => {
    s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key, ETag: '"1"', Size: 1 }] });
    const folder = await mkdtemp(join(tmpdir(), 'redex-hostile-'));
    const stores = openStores({ s3: client });
    const refusal = { name: 'FileRefused', message: expect.stringContaining(quote(`s3://b/${Key}`)) };
    const leaf = { kind: 'dir', location: 's3://b/d/' } as const;
    await expect(files.list(leaf.location)).rejects.toMatchObject(refusal);
    await expect(files.version('dir', leaf.location)).rejects.toMatchObject(refusal);
    const input = { ...leaf, version: null, name: 'in', how: 'link' } as const;
    await expect(stageIn(stores, input, folder, new AbortController().signal)).rejects.toMatchObject(refusal);
    expect(requests(GetObjectCommand)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('in which one name is both a file and a folder says so', async () => {
    s3.on(ListObjectsV2Command).resolves({
      Contents: ['d/x', 'd/x-ray', 'd/x/y/z'].map((Key) => ({ Key, ETag: '"1"', Size: 1 })),
    });
    await expect(files.list('s3://b/d/')).rejects.toThrow('s3://b/d/ holds both x and s3://b/d/x/y/z');
  });
});
