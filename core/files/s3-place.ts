/** Where on S3. */
import type { S3Client } from '@aws-sdk/client-s3';
import { refused } from './errors.ts';

export interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

export interface S3Target extends Place {
  readonly client: S3Client;
}

/** `s3://bucket/key`. The key is taken as it is: `%`, `?` and `#` are letters like any other. */
export function placeOf(location: string): Place {
  const match = /^s3:\/\/([^/]+)\/(.*)$/s.exec(location);
  if (!match) throw refused(location, 'is not of the form s3://bucket/key');
  return { Bucket: match[1] as string, Key: match[2] as string };
}

export function copySource({ Bucket, Key }: Place): string {
  return `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`;
}

/** Versions are ETags without their quotes. */
export function versionOf(etag: string | undefined): string {
  if (!etag) throw new Error('S3 answered without an ETag');
  return etag.replace(/^"(.*)"$/, '$1');
}

export function etagOf(version: string): string {
  return `"${version}"`;
}
