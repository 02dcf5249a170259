/** Files on S3. The ETag is the version. Loaded only where an s3:// location is met. */
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { byCodeUnit } from '../values/encode.ts';
import { type Attributes, fromMetadata } from './attributes.ts';
import { inputChanged, inputMissing, refused } from './errors.ts';
import { copySource, etagOf, type Place, placeOf, type S3Target, versionOf } from './s3-place.ts';
import { copyInParts, type Found, upload } from './s3-upload.ts';
import type { Chunks, Entry, Store, Written } from './store.ts';

/** What CopyObject takes at once. */
const COPY_BYTES_MAX = 5 * 1024 ** 3;
/** A download whose connection breaks is carried on from where it stopped. */
const RESUMES_MAX = 5;

/** Buckets are found from here, too; a request for one elsewhere is answered with where it is. */
const REGION_DEFAULT = 'us-east-1';

/** By the user's settings, profile and keys. Without a region, as many a laptop has none, by the default one. */
function clientOfUser(): S3Client {
  const { region } = new S3Client({}).config;
  return new S3Client({ followRegionRedirects: true, region: () => region().catch(() => REGION_DEFAULT) });
}

export function s3Store(client: S3Client = clientOfUser()): Store {
  const head = async (place: Place): Promise<Found | undefined> => {
    try {
      const found = await client.send(new HeadObjectCommand(place));
      return { version: versionOf(found.ETag), bytes: found.ContentLength ?? 0, metadata: found.Metadata ?? {} };
    } catch (thrown) {
      if (isStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  };
  return {
    stat: async (location) => writtenOf(await explained(location, () => head(placeOf(location)))),
    list: (location) => explained(location, () => listAll(client, location)),
    read: (location, version, tell) => readObject(client, location, version, tell),
    write: (location, chunks, attributes) =>
      explained(location, () => upload({ client, ...placeOf(location) }, chunks, attributes)),
    copy: (from, to) =>
      explained(from, async () => {
        const source = placeOf(from);
        const found = await head(source);
        if (!found) throw inputMissing(from);
        if (from === to) return writtenOf(found);
        const target: S3Target = { client, ...placeOf(to) };
        if (found.bytes > COPY_BYTES_MAX) return await copyInParts(target, source, found);
        return await copyAtOnce(target, source, found);
      }),
  };
}

function writtenOf(found: Found | undefined): Written | undefined {
  return found && { version: found.version, bytes: found.bytes };
}

async function copyAtOnce(target: S3Target, source: Place, found: Written): Promise<Written> {
  const { client, Bucket, Key } = target;
  const copied = await client.send(
    new CopyObjectCommand({ Bucket, Key, CopySource: copySource(source), CopySourceIfMatch: etagOf(found.version) }),
  );
  return { version: versionOf(copied.CopyObjectResult?.ETag), bytes: found.bytes };
}

async function listAll(client: S3Client, location: string): Promise<Entry[] | undefined> {
  const { Bucket, Key: Prefix } = placeOf(location.endsWith('/') ? location : `${location}/`);
  const entries: Entry[] = [];
  let token: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix, ...(token ? { ContinuationToken: token } : {}) }),
    );
    for (const { Key, ETag, Size } of page.Contents ?? []) {
      // Keys that end in a slash are folders somebody made in a console.
      if (!Key || Key.endsWith('/')) continue;
      const path = Key.slice(Prefix.length);
      entries.push({ path, location: `s3://${Bucket}/${Key}`, version: versionOf(ETag), bytes: Size ?? 0 });
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token);
  return entries.length > 0 ? entries.sort((a, b) => byCodeUnit(a.path, b.path)) : undefined;
}

async function* readObject(
  client: S3Client,
  location: string,
  version: string | undefined,
  tell: ((attributes: Attributes) => void) | undefined,
): Chunks {
  const place = placeOf(location);
  let etag = version === undefined ? undefined : etagOf(version);
  let offset = 0;
  for (let resumes = 0; ; resumes++) {
    const part = await explained(location, () =>
      client.send(
        new GetObjectCommand({
          ...place,
          ...(etag ? { IfMatch: etag } : {}),
          ...(offset > 0 ? { Range: `bytes=${offset}-` } : {}),
        }),
      ),
    );
    etag = part.ETag;
    tell?.(fromMetadata(part.Metadata, part.LastModified));
    const end = offset + (part.ContentLength ?? 0);
    try {
      for await (const chunk of part.Body as AsyncIterable<Uint8Array>) {
        offset += chunk.byteLength;
        yield chunk;
      }
      if (offset >= end) return;
    } catch (thrown) {
      if (resumes >= RESUMES_MAX || !isBrokenConnection(thrown)) throw thrown;
    }
  }
}

function isBrokenConnection(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  return ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE'].includes(code);
}

function isStatus(thrown: unknown, status: number): boolean {
  return thrown instanceof S3ServiceException && thrown.$metadata.httpStatusCode === status;
}

async function explained<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (isStatus(thrown, 404)) {
      const bucket = (thrown as S3ServiceException).name === 'NoSuchBucket';
      throw bucket ? refused(location, 'cannot be reached: there is no such bucket') : inputMissing(location);
    }
    if (isStatus(thrown, 412)) throw inputChanged(location);
    if (isStatus(thrown, 403)) throw refused(location, 'cannot be reached: access denied');
    if (isStatus(thrown, 301)) throw refused(location, 'cannot be reached: its bucket is in another region');
    throw thrown;
  }
}
