/** Mistakes with what a stack keeps. */
import { DeleteTableCommand, UpdateContinuousBackupsCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { NAME, remakeTable } from '../deployed-stack.ts';
import type { Planted } from './site.ts';

export const STORAGE: readonly Planted[] = [
  [
    'a table that is gone',
    'tables',
    /^there is no table redex-dev-attempts$/,
    /serverless deploy/,
    async ({ aws, template }) => {
      await aws.dynamo.send(new DeleteTableCommand({ TableName: `${NAME}-attempts` }));
      return () => remakeTable(template, aws.dynamo, `${NAME}-attempts`);
    },
  ],
  [
    'a cache that never expires',
    'tables',
    /^items of redex-dev-cache do not expire by expires$/,
    /update-time-to-live --table-name redex-dev-cache/,
    async ({ aws }) => {
      const set = (Enabled: boolean) =>
        aws.dynamo.send(
          new UpdateTimeToLiveCommand({
            TableName: `${NAME}-cache`,
            TimeToLiveSpecification: { AttributeName: 'expires', Enabled },
          }),
        );
      await set(false);
      return () => set(true);
    },
  ],
  [
    'a table that cannot be recovered',
    'tables',
    /^redex-dev-runs cannot be recovered/,
    /update-continuous-backups --table-name redex-dev-runs/,
    async ({ aws }) => {
      const set = (PointInTimeRecoveryEnabled: boolean) =>
        aws.dynamo.send(
          new UpdateContinuousBackupsCommand({
            TableName: `${NAME}-runs`,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled },
          }),
        );
      await set(false);
      return () => set(true);
    },
  ],
  [
    'a bucket that keeps no versions',
    'bucket',
    /keeps no versions/,
    /put-bucket-versioning/,
    async ({ aws, bucket }) => {
      const set = (Status: 'Enabled' | 'Suspended') =>
        aws.s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
      await set('Suspended');
      return () => set('Enabled');
    },
  ],
  [
    'a bucket that the public may be let into',
    'bucket',
    /does not keep the public out/,
    /put-public-access-block/,
    async ({ aws, bucket }) => {
      await aws.s3.send(new DeletePublicAccessBlockCommand({ Bucket: bucket }));
      const PublicAccessBlockConfiguration = {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      };
      return () => aws.s3.send(new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration }));
    },
  ],
  [
    'a bucket that tells of no manifests',
    'bucket',
    /tells EventBridge of nothing/,
    /put-bucket-notification-configuration/,
    ({ glass }) => {
      glass.tells = false;
      return Promise.resolve(() => {
        glass.tells = true;
        return Promise.resolve();
      });
    },
  ],
  [
    'no code',
    'code',
    /^no workflows were deployed$/,
    /redex deploy-code/,
    async ({ aws, bucket, deployCode }) => {
      await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'bundles/deployed.json' }));
      return () => deployCode();
    },
  ],
];
