/** The runner's ports on AWS; loaded only where they are needed. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { awsClients } from '../../core/aws/clients.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import type { Attempts, Objects } from '../../core/engine/ports.ts';
import type { Store } from '../../core/environment.ts';

export function cloudPorts(
  { bucket, prefix }: Extract<Store, { kind: 's3' }>,
  attemptsTable: string,
): { objects: Objects; attempts: Attempts } {
  const { s3, dynamo } = awsClients();
  const objects = s3Objects(s3, bucket, prefix);
  const clock = { now: Date.now, nonce: () => randomBytes(8).toString('hex'), sleep };
  return { objects, attempts: dynamoAttempts(dynamo, attemptsTable, objects, clock) };
}
