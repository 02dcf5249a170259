/** Files on S3. The ETag is the version. Loaded only where an s3:// location is met. */

import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { byCodeUnit } from '../values/encode.ts';
import { messageOf } from '../values/thrown.ts';
import { type Attributes, fromMetadata, toMetadata } from './attributes.ts';
import { FileError, inputMissing, unreachable } from './errors.ts';
import { BODY_IDLE_MS_MAX, withIdleTimeout } from './idle-timeout.ts';
import { clientOfUser } from './s3-client.ts';
import { s3Directories } from './s3-directories.ts';
import { explained, isStatus } from './s3-errors.ts';
import { copySource, etagOf, type S3Location, type S3Target, s3LocationOf, versionOf } from './s3-location.ts';
import { copyInParts, type S3Object, upload } from './s3-upload.ts';
import type { Chunks, FileStore, StoreEntry, Written } from './store.ts';
import { type RetryPolicy, Tries } from './tries.ts';

/** What CopyObject takes at once. */
const COPY_BYTES_MAX = 5 * 1024 ** 3;

/** The SDK tries a request three times by itself; what is tried again here are bodies that break off or fall silent. */
const RETRY_POLICY: RetryPolicy = { tries: 5, delayMs: 500, idleMs: BODY_IDLE_MS_MAX };

export function s3Store(client: S3Client = clientOfUser(), retry: RetryPolicy = RETRY_POLICY): FileStore {
  const soon = { requestTimeout: retry.idleMs };
  const head = async (place: S3Location): Promise<S3Object | undefined> => {
    try {
      const found = await client.send(new HeadObjectCommand(place), soon);
      return { version: versionOf(found.ETag), bytes: found.ContentLength ?? 0, metadata: found.Metadata ?? {} };
    } catch (thrown) {
      if (isStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  };
  const directories = s3Directories({
    list: (location) => explained(location, () => listAll(client, location, soon)),
    head: (location) => explained(location, () => head(s3LocationOf(location))),
    read: (location) => readObject(client, location, undefined, undefined, retry),
    remove: (location) =>
      explained(location, async () => {
        await client.send(new DeleteObjectCommand(s3LocationOf(location)));
      }),
  });
  return {
    directories,
    stat: async (location) => writtenOf(await explained(location, () => head(s3LocationOf(location)))),
    list: (location) => explained(location, () => listAll(client, location, soon)),
    read: (location, version, tell) => readObject(client, location, version, tell, retry),
    write: (location, chunks, attributes) =>
      explained(location, () => upload({ client, ...s3LocationOf(location) }, chunks, attributes)),
    copy: (from, to, more = {}) =>
      explained(from, async () => {
        const source = s3LocationOf(from);
        const found = await head(source);
        if (!found) throw inputMissing(from);
        if (from === to) return writtenOf(found);
        const copied = { ...found, metadata: { ...found.metadata, ...toMetadata(more) } };
        const target: S3Target = { client, ...s3LocationOf(to) };
        if (found.bytes > COPY_BYTES_MAX) return await copyInParts(target, source, copied);
        return await copyAtOnce(target, source, copied, more.directory !== undefined);
      }),
  };
}

function writtenOf(found: S3Object | undefined): Written | undefined {
  return found && { version: found.version, bytes: found.bytes };
}

/** With `anew` its metadata are given, else they go along by themselves. */
async function copyAtOnce(target: S3Target, source: S3Location, found: S3Object, anew: boolean): Promise<Written> {
  const { client, Bucket, Key } = target;
  const copied = await client.send(
    new CopyObjectCommand({
      Bucket,
      Key,
      CopySource: copySource(source),
      CopySourceIfMatch: etagOf(found.version),
      ...(anew && { MetadataDirective: 'REPLACE', Metadata: found.metadata }),
    }),
  );
  return { version: versionOf(copied.CopyObjectResult?.ETag), bytes: found.bytes };
}

async function listAll(
  client: S3Client,
  location: string,
  soon: { readonly requestTimeout: number },
): Promise<StoreEntry[] | undefined> {
  const { Bucket, Key: Prefix } = s3LocationOf(location.endsWith('/') ? location : `${location}/`);
  const entries: StoreEntry[] = [];
  let token: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix, ...(token ? { ContinuationToken: token } : {}) }),
      soon,
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

/** On Node the SDK gives a stream of Node's. */
function bodyOf({ Body }: GetObjectCommandOutput): Readable {
  if (!(Body instanceof Readable)) throw new Error('S3 answered without a body');
  return Body;
}

async function* readObject(
  client: S3Client,
  location: string,
  version: string | undefined,
  tell: ((attributes: Attributes) => void) | undefined,
  retry: RetryPolicy,
): Chunks {
  const place = s3LocationOf(location);
  const tries = new Tries(location, retry);
  let etag = version === undefined ? undefined : etagOf(version);
  let offset = 0;
  for (;;) {
    const condition = { ...(etag && { IfMatch: etag }), ...(offset > 0 && { Range: `bytes=${offset}-` }) };
    const part = await explained(location, () =>
      client.send(new GetObjectCommand({ ...place, ...condition }), { requestTimeout: retry.idleMs }),
    );
    etag = part.ETag;
    tell?.(fromMetadata(part.Metadata, part.LastModified));
    const end = offset + (part.ContentLength ?? 0);
    try {
      for await (const chunk of withIdleTimeout(bodyOf(part), retry.idleMs)) {
        offset += chunk.byteLength;
        tries.succeeded();
        yield chunk;
      }
      if (offset >= end) return;
      await tries.failed(`its download ended after ${offset} of ${end} bytes`);
    } catch (thrown) {
      if (thrown instanceof FileError) throw thrown;
      // All of it came, and is not what S3 keeps.
      if (offset >= end) throw unreachable(location, messageOf(thrown));
      await tries.failed(`its download broke off after ${offset} bytes (${messageOf(thrown)})`);
    }
  }
}
