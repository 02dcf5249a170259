/** The object store on S3. */
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { checkKey } from '../engine/objects.ts';
import type { Objects } from '../engine/ports.ts';

/** `prefix` is empty or ends in a slash. */
export function s3Objects(client: S3Client, bucket: string, prefix: string): Objects {
  return {
    async put(key, bytes) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + checkKey(key), Body: bytes }));
    },

    async get(key, range) {
      const bytes = range && { Range: `bytes=${range.start}-${range.end - 1}` };
      try {
        const { Body } = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: prefix + checkKey(key), ...bytes }),
        );
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
