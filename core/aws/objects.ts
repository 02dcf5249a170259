/** The object store on S3. */
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { checkKey } from '../engine/objects.ts';
import type { Objects } from '../engine/ports.ts';
import { named } from './named.ts';

/** The SDK tries requests again by itself, but not bodies that break off or fall silent. */
const READS_MAX = 5;

/** `prefix` is empty or ends in a slash. */
export function s3Objects(client: S3Client, bucket: string, prefix: string): Objects {
  return {
    put: (key, bytes) =>
      named(`s3://${bucket}/${prefix}${key} cannot be written`, async () => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + checkKey(key), Body: bytes }));
      }),

    get: (key, range) =>
      named(`s3://${bucket}/${prefix}${key} cannot be read`, async () => {
        const bytes = range && { Range: `bytes=${range.start}-${range.end - 1}` };
        const command = new GetObjectCommand({ Bucket: bucket, Key: prefix + checkKey(key), ...bytes });
        for (let reads = 1; ; reads++) {
          const found = await client.send(command).catch((error: unknown) => {
            if (error instanceof NoSuchKey) return undefined;
            throw error;
          });
          try {
            return await found?.Body?.transformToByteArray();
          } catch (error) {
            if (reads >= READS_MAX) throw error;
          }
        }
      }),
  };
}
