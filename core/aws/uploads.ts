/**
 * Manifests on S3: an object put under `manifests/<workflow>/` starts that workflow. What S3 says of an upload, in both of
 * its shapes; the object itself; and the answer, which lies under another prefix, since under its own it would be an upload.
 */
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as v from 'valibot';
import { digest } from '../values/hash.ts';
import { named } from './named.ts';

const MANIFESTS = 'manifests/';
const ANSWERS = 'manifest-answers/';

export interface Upload {
  readonly bucket: string;
  /** As S3 has it, nothing escaped. */
  readonly key: string;
  /** In a bucket that keeps versions. */
  readonly version: string | undefined;
  /** What tells this upload from others of the key: its version, else S3's sequence number of it. */
  readonly occasion: string;
}

const optionalText = v.fallback(v.optional(v.string()), undefined);
const Name = v.pipe(v.string(), v.nonEmpty());

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html: the key is URL-encoded. */
const Notification = v.object({
  Records: v.array(
    v.object({
      eventSource: v.literal('aws:s3'),
      eventName: v.pipe(v.string(), v.startsWith('ObjectCreated:')),
      s3: v.object({
        bucket: v.object({ name: Name }),
        object: v.object({ key: Name, versionId: optionalText, sequencer: optionalText, eTag: optionalText }),
      }),
    }),
  ),
});

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html: the key is as it is. */
const ObjectCreated = v.object({
  source: v.literal('aws.s3'),
  'detail-type': v.literal('Object Created'),
  detail: v.object({
    bucket: v.object({ name: Name }),
    object: v.object({ key: Name, 'version-id': optionalText, sequencer: optionalText, etag: optionalText }),
  }),
});

/** The uploads that the event speaks of; none for what is not S3's, such as its test event. */
export function parseUploads(event: unknown): Upload[] {
  const created = v.safeParse(ObjectCreated, event);
  if (created.success) {
    const { bucket, object } = created.output.detail;
    return [uploadOf(bucket.name, object.key, object['version-id'], object.sequencer ?? object.etag)];
  }
  const notified = v.safeParse(Notification, event);
  if (!notified.success) return [];
  return notified.output.Records.flatMap(({ s3: { bucket, object } }) => {
    const key = decoded(object.key);
    return key === undefined ? [] : [uploadOf(bucket.name, key, object.versionId, object.sequencer ?? object.eTag)];
  });
}

function decoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function uploadOf(bucket: string, key: string, version: string | undefined, occasion = ''): Upload {
  // What was there before a bucket kept versions has this one.
  const kept = version === 'null' ? undefined : version;
  return { bucket, key, version: kept, occasion: kept ?? occasion };
}

/** The workflow whose folder the key is in, below the store's prefix; undefined for what is no manifest. */
export function workflowOf(key: string, prefix: string): string | undefined {
  const folder = prefix + MANIFESTS;
  if (!key.startsWith(folder) || key.endsWith('/')) return undefined;
  const [workflow = '', ...name] = key.slice(folder.length).split('/');
  return workflow !== '' && name.length > 0 ? workflow : undefined;
}

/** S3 allows keys of 1,024 bytes. */
const KEY_BYTES_MAX = 1_024;

/** Where the answer to an upload lies: beside the manifest's own name, under the id of the run. */
export function answerKey(key: string, prefix: string, run: string): string {
  const beside = `${prefix}${ANSWERS}${key.slice((prefix + MANIFESTS).length)}/${run}.json`;
  return Buffer.byteLength(beside) <= KEY_BYTES_MAX ? beside : `${prefix}${ANSWERS}${digest('key', key)}/${run}.json`;
}

export interface Uploads {
  /** The object's first bytes, one more than `bytesMax` where it is larger; undefined when it is gone. */
  read(upload: Upload, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Written over one that is there. */
  answer(bucket: string, key: string, text: string): Promise<void>;
}

export function s3Uploads(client: S3Client): Uploads {
  return {
    read: ({ bucket, key, version }, bytesMax) =>
      named(`s3://${bucket}/${key} cannot be read`, async () => {
        const found = await client
          .send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              ...(version !== undefined && { VersionId: version }),
              Range: `bytes=0-${bytesMax}`,
            }),
          )
          .catch((error: unknown) => {
            if (error instanceof NoSuchKey || nameOf(error) === 'NoSuchVersion') return undefined;
            // There is no range in an empty object.
            if (nameOf(error) === 'InvalidRange') return 'empty' as const;
            throw error;
          });
        return found === 'empty' ? new Uint8Array() : await found?.Body?.transformToByteArray();
      }),
    answer: (bucket, key, text) =>
      named(`s3://${bucket}/${key} cannot be written`, async () => {
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType: 'application/json' }),
        );
      }),
  };
}

function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}
