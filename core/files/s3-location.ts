/** Where on S3. */
import type { S3Client } from '@aws-sdk/client-s3';
import { refused } from './errors.ts';

export interface S3Location {
  readonly Bucket: string;
  readonly Key: string;
}

export interface S3Target extends S3Location {
  readonly client: S3Client;
}

/** `s3://bucket/key`. The key is taken as it is: `%`, `?` and `#` are letters like any other. */
export function s3LocationOf(location: string): S3Location {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(location) ?? [];
  if (Bucket === undefined || Key === undefined) throw refused(location, 'is not of the form s3://bucket/key');
  return { Bucket, Key };
}

export function copySource({ Bucket, Key }: S3Location): string {
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
