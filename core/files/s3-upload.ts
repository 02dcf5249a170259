/** Writing S3 objects of any size with flat memory. */
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { mapConcurrent } from '../disk/concurrent.ts';
import { type Attributes, toMetadata } from './attributes.ts';
import { copySource, etagOf, type S3Location, type S3Target, versionOf } from './s3-location.ts';
import type { Chunks, Written } from './store.ts';

/** An object as it was looked at. */
export interface S3Object extends Written {
  readonly metadata: Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
const PART_BYTES_MIN = 8 * MIB;
/** S3 takes 10,000 parts of at most 5 GiB: growing by this many, 5 TiB fit, and small objects need little memory. */
const PARTS_OF_ONE_SIZE = 1000;
const PARTS_AT_ONCE = 4;
const COPY_PART_BYTES = 512 * MIB;
/**
 * Named from the first request to the last: S3 refuses parts that bring a checksum of an algorithm that the upload was not
 * begun with, and an end that does not repeat the checksums of its parts.
 */
const CHECKSUM = { ChecksumAlgorithm: 'CRC32' } as const;

/** Size of part `number`, from 1: 8 MiB for the first thousand, then double for each thousand more. */
export function partBytes(number: number): number {
  return PART_BYTES_MIN * 2 ** Math.floor((number - 1) / PARTS_OF_ONE_SIZE);
}

/** One request when all fits in one part, else a multipart upload. The object appears when the last byte is there. */
export async function upload(
  target: S3Target,
  chunks: Chunks | Iterable<Uint8Array>,
  attributes?: () => Attributes,
): Promise<Written> {
  const { client, Bucket, Key } = target;
  const parts = inParts(chunks);
  const first = (await parts.next()).value ?? Buffer.alloc(0);
  const second = await parts.next();
  const metadata = attributes ? toMetadata(attributes()) : {};
  if (second.done) {
    const put = await client.send(new PutObjectCommand({ Bucket, Key, Body: first, ...metadataIn(metadata) }));
    return { version: versionOf(put.ETag), bytes: first.byteLength };
  }
  return await multipart(target, metadata, (UploadId) => sendParts(target, UploadId, [first, second.value], parts));
}

async function* inParts(chunks: Chunks | Iterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let number = 1;
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (bytes + rest.byteLength >= partBytes(number)) {
      const room = partBytes(number) - bytes;
      yield Buffer.concat([...held, rest.subarray(0, room)]);
      rest = rest.subarray(room);
      [held, bytes, number] = [[], 0, number + 1];
    }
    if (rest.byteLength > 0) held.push(rest);
    bytes += rest.byteLength;
  }
  if (bytes > 0) yield Buffer.concat(held);
  return undefined;
}

type UploadedParts = { parts: CompletedPart[]; bytes: number };

type Metadata = Readonly<Record<string, string>>;

function metadataIn(metadata: Metadata): { Metadata?: Metadata } {
  return Object.keys(metadata).length > 0 ? { Metadata: metadata } : {};
}

async function multipart(
  target: S3Target,
  metadata: Metadata,
  send: (UploadId: string) => Promise<UploadedParts>,
): Promise<Written> {
  const { client, Bucket, Key } = target;
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...CHECKSUM, ...metadataIn(metadata) }),
  );
  if (!UploadId) throw new Error('S3 began an upload without giving it an id');
  try {
    const { parts, bytes } = await send(UploadId);
    const done = await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }),
    );
    return { version: versionOf(done.ETag), bytes };
  } catch (thrown) {
    // Best effort: what stays of it costs storage until the bucket's lifecycle rule removes it.
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    throw thrown;
  }
}

/** What is told of a part at the end. Services that are like S3 may know no checksums. */
function completed(
  PartNumber: number,
  { ETag, ChecksumCRC32 }: Pick<CompletedPart, 'ETag' | 'ChecksumCRC32'> = {},
): CompletedPart {
  return { PartNumber, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
}

async function sendParts(
  target: S3Target,
  UploadId: string,
  first: Buffer[],
  more: AsyncGenerator<Buffer, undefined>,
): Promise<UploadedParts> {
  const { client, Bucket, Key } = target;
  const parts: CompletedPart[] = [];
  const ready = first.values();
  let [number, bytes] = [0, 0];
  const lane = async (): Promise<void> => {
    while (true) {
      const body = ready.next().value ?? (await more.next()).value;
      if (!body) return;
      const PartNumber = ++number;
      bytes += body.byteLength;
      const part = { Bucket, Key, UploadId, PartNumber, Body: body, ...CHECKSUM };
      parts[PartNumber - 1] = completed(PartNumber, await client.send(new UploadPartCommand(part)));
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
  return { parts, bytes };
}

/**
 * For objects that are too large for one CopyObject: S3 copies ranges of it, none of the bytes pass through here. The
 * metadata, which CopyObject takes along by itself, is given anew.
 */
export async function copyInParts(target: S3Target, source: S3Location, found: S3Object): Promise<Written> {
  const { version, bytes, metadata } = found;
  const { client, Bucket, Key } = target;
  const numbers = Array.from({ length: Math.ceil(bytes / COPY_PART_BYTES) }, (_, at) => at + 1);
  return await multipart(target, metadata, async (UploadId) => {
    const parts = await mapConcurrent(numbers, PARTS_AT_ONCE, async (PartNumber) => {
      const from = (PartNumber - 1) * COPY_PART_BYTES;
      const to = Math.min(from + COPY_PART_BYTES, bytes) - 1;
      const copied = await client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key,
          UploadId,
          PartNumber,
          CopySource: copySource(source),
          CopySourceIfMatch: etagOf(version),
          CopySourceRange: `bytes=${from}-${to}`,
        }),
      );
      return completed(PartNumber, copied.CopyPartResult);
    });
    return { parts, bytes };
  });
}
