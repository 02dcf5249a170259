/** Looks at what a stack keeps: tables, bucket, and the code that is deployed. */
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import {
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3Objects } from '../../core/aws/objects.ts';
import { deployedBundle } from '../../core/engine/deployed.ts';
import { getSealed, keys, ValueDamaged, ValueGone } from '../../core/engine/objects.ts';
import type { Program } from '../../core/values/program.ts';
import type { Observation } from './checks.ts';
import { look, orNone, type Within } from './stack-asking.ts';
import type { BucketFacts, Code, TableFacts } from './stack-facts.ts';

const NO_TABLE = 'ResourceNotFoundException';

export function lookAtTable(client: DynamoDBClient, TableName: string): Promise<Observation<TableFacts | undefined>> {
  const needs = 'dynamodb:DescribeTable, DescribeTimeToLive and DescribeContinuousBackups';
  return look(needs, async (within) => {
    const described = await orNone(client.send(new DescribeTableCommand({ TableName }), within), NO_TABLE);
    if (!described) return undefined;
    const [{ TimeToLiveDescription: expiry }, { ContinuousBackupsDescription: backups }] = await Promise.all([
      client.send(new DescribeTimeToLiveCommand({ TableName }), within),
      client.send(new DescribeContinuousBackupsCommand({ TableName }), within),
    ]);
    const isExpiring = expiry?.TimeToLiveStatus === 'ENABLED' || expiry?.TimeToLiveStatus === 'ENABLING';
    const { PointInTimeRecoveryStatus } = backups?.PointInTimeRecoveryDescription ?? {};
    return {
      status: described.Table?.TableStatus ?? '',
      expires: isExpiring ? expiry.AttributeName : undefined,
      isRecoverable: PointInTimeRecoveryStatus === 'ENABLED',
    };
  });
}

export async function lookAtBucket(client: S3Client, name: Observation<string>): Promise<BucketFacts> {
  if ('unseen' in name) return { name, isThere: name, isVersioned: name, isPrivate: name, tells: name };
  const Bucket = name.found;
  const [isThere, isVersioned, isPrivate, tells] = await Promise.all([
    look('s3:ListBucket', async (within) => {
      const found = await orNone(client.send(new HeadBucketCommand({ Bucket }), within), 'NotFound', 'NoSuchBucket');
      return found !== undefined;
    }),
    look('s3:GetBucketVersioning', (within) => isBucketVersioned(client, Bucket, within)),
    look('s3:GetBucketPublicAccessBlock', (within) => isBucketPrivate(client, Bucket, within)),
    look('s3:GetBucketNotification', async (within) => {
      const asked = client.send(new GetBucketNotificationConfigurationCommand({ Bucket }), within);
      return (await orNone(asked, 'NoSuchBucket'))?.EventBridgeConfiguration !== undefined;
    }),
  ]);
  return { name, isThere, isVersioned, isPrivate, tells };
}

async function isBucketVersioned(client: S3Client, Bucket: string, within: Within): Promise<boolean> {
  const asked = client.send(new GetBucketVersioningCommand({ Bucket }), within);
  return (await orNone(asked, 'NoSuchBucket'))?.Status === 'Enabled';
}

async function isBucketPrivate(client: S3Client, Bucket: string, within: Within): Promise<boolean> {
  const asked = client.send(new GetPublicAccessBlockCommand({ Bucket }), within);
  const { PublicAccessBlockConfiguration: block } =
    (await orNone(asked, 'NoSuchBucket', 'NoSuchPublicAccessBlockConfiguration')) ?? {};
  return [
    block?.BlockPublicAcls,
    block?.BlockPublicPolicy,
    block?.IgnorePublicAcls,
    block?.RestrictPublicBuckets,
  ].every((isOn) => isOn === true);
}

/** Which bundle new runs are made of, and what it says about itself. */
export async function lookAtCode(
  client: S3Client,
  bucket: Observation<string>,
): Promise<Observation<Code | undefined>> {
  if ('unseen' in bucket) return bucket;
  const objects = s3Objects(client, bucket.found, '');
  return await look('s3:GetObject and s3:ListBucket', async () => {
    const bundle = await orNone(deployedBundle(objects), 'NoSuchBucket');
    if (bundle === undefined) return undefined;
    const [code, program] = await Promise.all([objects.get(keys.bundle(bundle)), programOf(keys.program(bundle))]);
    return { bundle, program: code && program };
  });

  async function programOf(key: string): Promise<Program | undefined> {
    try {
      return await getSealed<Program>(objects, key);
    } catch (error) {
      if (error instanceof ValueGone || error instanceof ValueDamaged) return undefined;
      throw error;
    }
  }
}
