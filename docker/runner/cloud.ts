/** The runner's ports on AWS; loaded only where they are needed. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { type ClientSettings, patientClients } from '../../core/aws/clients.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import type { Patience } from '../../core/aws/patience.ts';
import type { Attempts, Objects } from '../../core/engine/ports.ts';
import { parseS3, type Store } from '../../core/environment.ts';
import type { StoreOptions } from '../../core/files/stores.ts';

export interface Ports {
  readonly objects: Objects;
  readonly attempts: Attempts;
  /** Where the job's spec is. */
  readonly specs: Objects;
  /** For files: staging out goes on trying as long as recording does. */
  readonly s3?: StoreOptions['s3'];
}

export function cloudPorts(
  { bucket, prefix }: Extract<Store, { kind: 's3' }>,
  attemptsTable: string,
  settings: ClientSettings & { readonly patience?: Patience; readonly scratch?: string | undefined } = {},
): Ports {
  const { scratch } = settings;
  const { s3, dynamo } = patientClients(settings);
  const objects = s3Objects(s3, bucket, prefix);
  const clock = { now: Date.now, nonce: () => randomBytes(8).toString('hex'), sleep };
  const open = (location: string): Objects => {
    const place = parseS3(location);
    return s3Objects(s3, place.bucket, place.prefix);
  };
  const attempts = dynamoAttempts(dynamo, attemptsTable, objects, clock, { open, own: scratch });
  return { objects, specs: scratch === undefined ? objects : open(scratch), attempts, s3 };
}
