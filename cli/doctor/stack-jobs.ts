/** Looks at what jobs need: queues with machines behind them, images, roles. */
import { type BatchClient, DescribeComputeEnvironmentsCommand, DescribeJobQueuesCommand } from '@aws-sdk/client-batch';
import { DescribeImagesCommand } from '@aws-sdk/client-ecr';
import { GetRoleCommand, type IAMClient } from '@aws-sdk/client-iam';
import * as v from 'valibot';
import type { Observation } from './checks.ts';
import { parseImage, parseRole } from './names.ts';
import { look, orNone, type StackClients } from './stack-asking.ts';
import type { EnvironmentFacts, ImagePlace, JobQueueFacts, RoleFacts } from './stack-facts.ts';

export function lookAtJobQueue(client: BatchClient, name: string): Promise<Observation<JobQueueFacts | undefined>> {
  return look('batch:DescribeJobQueues and batch:DescribeComputeEnvironments', async (within) => {
    const { jobQueues: [queue] = [] } = await client.send(new DescribeJobQueuesCommand({ jobQueues: [name] }), within);
    if (!queue) return undefined;
    const arns = (queue.computeEnvironmentOrder ?? []).flatMap(({ computeEnvironment }) => computeEnvironment ?? []);
    const { computeEnvironments = [] } =
      arns.length === 0
        ? {}
        : await client.send(new DescribeComputeEnvironmentsCommand({ computeEnvironments: arns }), within);
    return {
      state: queue.state ?? '',
      status: queue.status ?? '',
      reason: queue.statusReason ?? '',
      environments: computeEnvironments.map(
        ({ computeEnvironmentName: named, state, status, statusReason, computeResources }): EnvironmentFacts => ({
          name: named ?? '',
          state: state ?? '',
          status: status ?? '',
          reason: statusReason ?? '',
          vcpusMax: computeResources?.maxvCpus,
        }),
      ),
    };
  });
}

/** In other registries nobody is asked: each has credentials of its own. */
export async function lookAtImage(clients: StackClients, image: string): Promise<Observation<ImagePlace>> {
  const registry = parseImage(image)?.ecr;
  if (!registry) return { found: 'elsewhere' };
  const { account, region, repository, imageTag, imageDigest } = registry;
  const client = clients.ecrIn(region);
  const imageIds = [imageDigest === undefined ? { imageTag } : { imageDigest }];
  return await look('ecr:DescribeImages', async (within): Promise<ImagePlace> => {
    try {
      const asked = new DescribeImagesCommand({ registryId: account, repositoryName: repository, imageIds });
      await client.send(asked, within);
      return 'there';
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      if (name === 'RepositoryNotFoundException') return 'no repository';
      if (name === 'ImageNotFoundException') return 'not there';
      throw error;
    }
  });
}

const oneOrMany = v.union([
  v.pipe(
    v.string(),
    v.transform((one) => [one]),
  ),
  v.array(v.string()),
]);

/** As IAM hands it out: JSON, escaped as in a URL. */
const TrustPolicy = v.pipe(
  v.string(),
  v.transform(decodeURIComponent),
  v.parseJson(),
  v.object({
    Statement: v.array(
      v.object({
        Effect: v.string(),
        Action: v.optional(oneOrMany, []),
        Principal: v.optional(v.unknown()),
      }),
    ),
  }),
);
const ServicePrincipal = v.object({ Service: oneOrMany });

/** Roles of another account are not for IAM here to tell of. */
export async function lookAtRole(
  client: IAMClient,
  arn: string,
  account: string,
): Promise<Observation<RoleFacts | undefined>> {
  const place = parseRole(arn);
  if (!place) return { found: undefined };
  if (place.account !== account) return { unseen: `${arn} is in another account` };
  const RoleName = place.name;
  return await look('iam:GetRole', async (within) => {
    const found = await orNone(
      client.send(new GetRoleCommand({ RoleName }), within),
      'NoSuchEntityException',
      'NoSuchEntity',
    );
    if (!found?.Role) return undefined;
    const policy = v.safeParse(TrustPolicy, found.Role.AssumeRolePolicyDocument);
    const statements = policy.success ? policy.output.Statement : [];
    return {
      trusted: statements.flatMap(({ Effect, Action, Principal }) => {
        const principal = v.safeParse(ServicePrincipal, Principal);
        const lets = Effect === 'Allow' && Action.some((action) => ['sts:AssumeRole', 'sts:*', '*'].includes(action));
        return lets && principal.success ? principal.output.Service : [];
      }),
    };
  });
}
