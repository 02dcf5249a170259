/** Mistakes with what jobs need. */
import {
  CreateComputeEnvironmentCommand,
  DescribeComputeEnvironmentsCommand,
  DescribeJobQueuesCommand,
  UpdateComputeEnvironmentCommand,
  UpdateJobQueueCommand,
} from '@aws-sdk/client-batch';
import { BatchDeleteImageCommand } from '@aws-sdk/client-ecr';
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { NAME, REGISTRY } from '../deployed-stack.ts';
import type { Clients, Plant, Planted } from './site.ts';

async function environmentOf({ batch }: Clients, logical: string) {
  const { computeEnvironments = [] } = await batch.send(new DescribeComputeEnvironmentsCommand({}));
  const found = computeEnvironments.find(({ computeEnvironmentName: own }) => own?.startsWith(`${NAME}-${logical}`));
  if (!found) throw new Error(`there is no compute environment ${logical}`);
  return found;
}

const code =
  (executor: string): Plant =>
  async ({ deployCode }) => {
    await deployCode(executor);
    return () => deployCode();
  };
const trust = (principal: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
  });

export const JOBS: readonly Planted[] = [
  [
    'a job queue that is disabled',
    'job queues',
    /^the job queue redex-dev is DISABLED/,
    /^aws batch update-job-queue --job-queue redex-dev --state ENABLED$/,
    async ({ aws }) => {
      const set = (state: 'ENABLED' | 'DISABLED') =>
        aws.batch.send(new UpdateJobQueueCommand({ jobQueue: NAME, state }));
      await set('DISABLED');
      return () => set('ENABLED');
    },
  ],
  [
    'a compute environment that is disabled',
    'job queues',
    /^the compute environment redex-dev-Spot-\w+ of redex-dev is DISABLED$/,
    /update-compute-environment .* --state ENABLED$/,
    async ({ aws }) => {
      const { computeEnvironmentName: computeEnvironment } = await environmentOf(aws, 'Spot');
      const set = (state: 'ENABLED' | 'DISABLED') =>
        aws.batch.send(new UpdateComputeEnvironmentCommand({ computeEnvironment, state }));
      await set('DISABLED');
      return () => set('ENABLED');
    },
  ],
  [
    'machines without any processor',
    'job queues',
    /^the compute environment none of redex-dev may have 0 vCPUs$/,
    /maxvCpus=256$/,
    async ({ aws }) => {
      const like = await environmentOf(aws, 'OnDemand');
      const { computeEnvironmentArn } = await aws.batch.send(
        new CreateComputeEnvironmentCommand({
          computeEnvironmentName: 'none',
          type: 'MANAGED',
          state: 'ENABLED',
          serviceRole: like.serviceRole,
          computeResources: {
            type: 'FARGATE',
            maxvCpus: 0,
            subnets: like.computeResources?.subnets,
            securityGroupIds: like.computeResources?.securityGroupIds,
          },
        }),
      );
      const { jobQueues: [queue] = [] } = await aws.batch.send(new DescribeJobQueuesCommand({ jobQueues: [NAME] }));
      const set = (computeEnvironmentOrder: NonNullable<typeof queue>['computeEnvironmentOrder']) =>
        aws.batch.send(new UpdateJobQueueCommand({ jobQueue: NAME, computeEnvironmentOrder }));
      await set([{ order: 1, computeEnvironment: computeEnvironmentArn }]);
      return () => set(queue?.computeEnvironmentOrder);
    },
  ],
  [
    'an executor with a queue that is not there',
    'job queues',
    /^there is no job queue nowhere, which executor lost names$/,
    /describe-job-queues/,
    code("lost: { type: 'batch', queue: 'nowhere' }"),
  ],
  [
    'an image that is not in its repository',
    'images',
    /:1, which the stack names, is not in its repository$/,
    /make -C docker push/,
    async ({ aws, pushImage }) => {
      await aws.ecr.send(new BatchDeleteImageCommand({ repositoryName: NAME, imageIds: [{ imageTag: '1' }] }));
      return pushImage;
    },
  ],
  [
    'an image of no repository',
    'images',
    /\/missing:1, which executor lost names, is of a repository that is not there$/,
    /push it/,
    code(`lost: { type: 'batch', image: '${REGISTRY}/missing:1' }`),
  ],
  [
    'an image whose name was never filled in',
    'images',
    /^YOUR_ACCOUNT_ID\.dkr\S+, which executor lost names, is no name of an image$/,
    /REGISTRY\/NAME:TAG/,
    code("lost: { type: 'batch', image: 'YOUR_ACCOUNT_ID.dkr.ecr.us-west-2.amazonaws.com/tools:1' }"),
  ],
  [
    'a role that jobs cannot take',
    'roles',
    /^jobs cannot take the role redex-dev-job: it does not trust ecs-tasks\.amazonaws\.com$/,
    /allow sts:AssumeRole/,
    async ({ aws }) => {
      const RoleName = `${NAME}-job`;
      const { Role } = await aws.iam.send(new GetRoleCommand({ RoleName }));
      const before = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
      const set = (PolicyDocument: string) =>
        aws.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
      await set(trust({ Service: 'lambda.amazonaws.com' }));
      return () => set(before);
    },
  ],
  [
    'a role that is not there',
    'roles',
    /^there is no role redex-dev-gone, which executor lost names$/,
    /make it/,
    code("lost: { type: 'batch', role: 'arn:aws:iam::123456789012:role/redex-dev-gone' }"),
  ],
];
