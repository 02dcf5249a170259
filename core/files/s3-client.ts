/** The S3 client of the user's own files, and how long it waits. */
import { S3Client } from '@aws-sdk/client-s3';

/** Buckets are found from here, too; a request for one elsewhere is answered with where it is. */
const REGION_DEFAULT = 'us-east-1';
const CONNECTION_MS_MAX = 5_000;
/** Between two signs of life of a connection. S3 sends some while it copies or joins large objects. */
const IDLE_MS_MAX = 60_000;

/** By the user's settings, profile and keys. Without a region, as many a laptop has none, by the default one. */
export function clientOfUser(): S3Client {
  const { region } = new S3Client({}).config;
  return new S3Client({
    followRegionRedirects: true,
    region: () => region().catch(() => REGION_DEFAULT),
    requestHandler: {
      connectionTimeout: CONNECTION_MS_MAX,
      socketTimeout: IDLE_MS_MAX,
      // Of requests that bring a time of their own.
      throwOnRequestTimeout: true,
    },
  });
}
