/** The runner's ports on AWS; loaded only where they are needed. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { type ClientSettings, patientClients } from '../../core/aws/clients.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import type { Patience } from '../../core/aws/patience.ts';
import type { Attempts, Objects } from '../../core/engine/ports.ts';
import type { Store } from '../../core/environment.ts';
import type { StoreOptions } from '../../core/files/stores.ts';

export interface Ports {
  readonly objects: Objects;
  readonly attempts: Attempts;
  /** For files: staging out goes on trying as long as recording does. */
  readonly s3?: StoreOptions['s3'];
}

export function cloudPorts(
  { bucket, prefix }: Extract<Store, { kind: 's3' }>,
  attemptsTable: string,
  settings: ClientSettings & { readonly patience?: Patience } = {},
): Ports {
  const { s3, dynamo } = patientClients(settings);
  const objects = s3Objects(s3, bucket, prefix);
  const clock = { now: Date.now, nonce: () => randomBytes(8).toString('hex'), sleep };
  return { objects, attempts: dynamoAttempts(dynamo, attemptsTable, objects, clock), s3 };
}
