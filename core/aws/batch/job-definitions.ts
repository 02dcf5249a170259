/**
 * Job definitions: all that a request for a job cannot say itself. Nothing is sent from here.
 *
 * An image runs its job in one of two ways. One that holds the runner has it as its entry point. One that holds tools alone
 * is used as it is: a first container, of `runnerImage`, puts the runner into a volume, which the job's own container then
 * starts it from. Batch can change no entry point, so such an image has none, or one that runs what it is given.
 */
import type {
  ContainerProperties,
  LogConfiguration,
  RegisterJobDefinitionCommandInput,
  ResourceRequirement,
  RetryStrategy,
  Secret,
  TaskContainerProperties,
} from '@aws-sdk/client-batch';
import type { Resources } from '../../engine/executor.ts';
import { digest } from '../../values/hash.ts';
import { SECRET_VARIABLE, secretText } from '../../values/secrets.ts';

/** What of a deployment is in the definitions of its jobs. */
export interface DefinitionSettings {
  readonly stack: string;
  /** Of executors that name none. */
  readonly image?: string | undefined;
  readonly jobRole?: string | undefined;
  /** For AWS itself: pulls images, writes logs, fetches secrets. */
  readonly executionRole?: string | undefined;
  /** Of CloudWatch, where jobs write their logs; undefined: Batch's own, which keeps them for ever. */
  readonly logGroup?: string | undefined;
}

export type Defined = Pick<
  Resources,
  'image' | 'role' | 'platform' | 'secrets' | 'executionRole' | 'publicIp' | 'disk' | 'architecture' | 'runnerImage'
>;

/** Attempts are ours: a job is started once, whatever ends it. Without a matching rule Batch would retry. */
export const ONE_ATTEMPT: RetryStrategy = { attempts: 1, evaluateOnExit: [{ onReason: '*', action: 'EXIT' }] };

/** Every submission overrides these; a definition must have some, and Fargate must allow the pair. */
const PLACEHOLDER_SIZE: ResourceRequirement[] = [
  { type: 'VCPU', value: '1' },
  { type: 'MEMORY', value: '2048' },
];

/** The container that does the work, where there are two, and the one before it. */
export const JOB_CONTAINER = 'job';
const RUNNER_CONTAINER = 'runner';

const RUNNER_FOLDER = '/opt/redex';
const VOLUME = 'redex';
const PLACED_AT = '/redex';
/** Copying some 120 MB takes a second or two. */
const PLACING_SIZE: ResourceRequirement[] = [
  { type: 'VCPU', value: '1' },
  { type: 'MEMORY', value: '256' },
];

export type JobDefinition = Omit<RegisterJobDefinitionCommandInput, 'jobDefinitionName'> & {
  readonly jobDefinitionName: string;
};

/** Its name is a function of its content, so that equal definitions are registered once. */
export function jobDefinitionParams(settings: DefinitionSettings, resources: Defined): JobDefinition {
  const { platform = 'EC2' } = resources;
  const content: Omit<RegisterJobDefinitionCommandInput, 'jobDefinitionName'> = {
    type: 'container',
    platformCapabilities: [platform],
    ...(resources.runnerImage === undefined
      ? { containerProperties: oneContainer(settings, resources) }
      : { ecsProperties: { taskProperties: [twoContainers(settings, resources, resources.runnerImage)] } }),
    retryStrategy: ONE_ATTEMPT,
  };
  return {
    jobDefinitionName: `redex-${settings.stack}-${digest('job definition', JSON.stringify(content))}`,
    ...content,
  };
}

function oneContainer(settings: DefinitionSettings, resources: Defined): ContainerProperties {
  return {
    ...rolesOf(settings, resources),
    ...ownProperties(settings, resources),
    ...(resources.platform === 'FARGATE' && fargateProperties(resources)),
    resourceRequirements: PLACEHOLDER_SIZE,
  };
}

function fargateProperties({ publicIp = true, disk, architecture }: Defined): ContainerProperties {
  return {
    networkConfiguration: { assignPublicIp: publicIp ? 'ENABLED' : 'DISABLED' },
    ...(disk !== undefined && { ephemeralStorage: { sizeInGiB: Math.ceil(disk) } }),
    ...(architecture && {
      runtimePlatform: {
        operatingSystemFamily: 'LINUX',
        cpuArchitecture: architecture === 'arm64' ? 'ARM64' : 'X86_64',
      },
    }),
  };
}

function twoContainers(settings: DefinitionSettings, resources: Defined, runnerImage: string) {
  const placing: TaskContainerProperties = {
    name: RUNNER_CONTAINER,
    image: runnerImage,
    command: ['--place', PLACED_AT],
    essential: false,
    // A new volume is root's.
    user: 'root',
    mountPoints: [{ sourceVolume: VOLUME, containerPath: PLACED_AT }],
    resourceRequirements: PLACING_SIZE,
    ...logOf(settings),
  };
  const job: TaskContainerProperties = {
    name: JOB_CONTAINER,
    image: undefined,
    ...ownProperties(settings, resources),
    command: [`${RUNNER_FOLDER}/node`, `${RUNNER_FOLDER}/runner.mjs`],
    essential: true,
    dependsOn: [{ containerName: RUNNER_CONTAINER, condition: 'SUCCESS' }],
    mountPoints: [{ sourceVolume: VOLUME, containerPath: RUNNER_FOLDER, readOnly: true }],
    resourceRequirements: PLACEHOLDER_SIZE,
  };
  const { jobRoleArn, ...roles } = rolesOf(settings, resources);
  return {
    ...(jobRoleArn !== undefined && { taskRoleArn: jobRoleArn }),
    ...roles,
    containers: [placing, job],
    volumes: [{ name: VOLUME, host: {} }],
  };
}

/** What the job's container has in either way. */
function ownProperties(
  settings: DefinitionSettings,
  { image = settings.image, secrets }: Defined,
): Pick<TaskContainerProperties, 'secrets' | 'logConfiguration'> & { image?: string } {
  const fetched = fetchedSecrets(secrets);
  return { ...(image !== undefined && { image }), ...(fetched.length > 0 && { secrets: fetched }), ...logOf(settings) };
}

function logOf({ logGroup }: DefinitionSettings): { logConfiguration?: LogConfiguration } {
  if (logGroup === undefined) return {};
  return { logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': logGroup } } };
}

function rolesOf(
  settings: DefinitionSettings,
  resources: Defined,
): Pick<ContainerProperties, 'jobRoleArn' | 'executionRoleArn'> {
  const role = resources.role ?? settings.jobRole;
  const executionRole = executionRoleOf(settings, resources);
  return {
    ...(role !== undefined && { jobRoleArn: role }),
    ...(executionRole !== undefined && { executionRoleArn: executionRole }),
  };
}

/**
 * Secrets are the executor's business and so fetched by a role of its own where it names one: the deployment's may read
 * none. Without any of these the job's role stands in where AWS must have one.
 */
function executionRoleOf(
  settings: DefinitionSettings,
  { executionRole, role, platform, secrets = {} }: Defined,
): string | undefined {
  if (executionRole !== undefined) return executionRole;
  if (Object.keys(secrets).length > 0) return role ?? settings.executionRole;
  return settings.executionRole ?? (platform === 'FARGATE' ? role : undefined);
}

/** In the order of their names: equal secrets are equal definitions, however they were written. */
function fetchedSecrets(secrets: Resources['secrets'] = {}): Secret[] {
  const present = Object.entries(secrets).filter(([, source]) => source !== undefined);
  return present
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, source]) => ({ name: `${SECRET_VARIABLE}${name}`, valueFrom: secretText(source) }));
}

/** Why there can be no job with these resources on AWS; undefined where there can be one. */
export function definitionProblem(settings: DefinitionSettings, resources: Defined): string | undefined {
  const { image = settings.image, platform, runnerImage, secrets = {} } = resources;
  if (image === undefined) return 'the executor names no image, and the deployment has none by default';
  if (runnerImage !== undefined && platform === 'FARGATE')
    return 'on Fargate the two containers of an executor with a runnerImage fit no size: build the image on that one';
  const here = Object.entries(secrets).find(([, source]) => source !== undefined && typeof source !== 'string');
  if (here) {
    const [name, source] = here;
    return `the secret ${name} is had from ${secretText(source)}, where no job on AWS can look: give it by ARN, in a profile`;
  }
  if (Object.keys(secrets).length === 0 || executionRoleOf(settings, resources) !== undefined) return undefined;
  return 'secrets are fetched by the role of the job, and it has none: give the executor the option role';
}
