/** The shapes of our requests to AWS Batch; nothing is sent from here. */
import type {
  KeyValuePair,
  ListJobsCommandInput,
  RegisterJobDefinitionCommandInput,
  ResourceRequirement,
  RetryStrategy,
  Secret,
  SubmitJobCommandInput,
} from '@aws-sdk/client-batch';
import type { Resources, SubmissionRequest } from '../engine/ports.ts';
import { digest } from '../values/hash.ts';
import { SECRET_VARIABLE, secretText } from '../values/secrets.ts';
import { fargateSize } from './fargate.ts';

/** What jobs are told about the deployment, and defaults of executors. */
export interface BatchSettings {
  readonly stack: string;
  /** `s3://bucket/prefix` or an absolute folder. */
  readonly store: string;
  /** Jobs of an S3 store claim their work there. */
  readonly attemptsTable: string | undefined;
  readonly filesRoot: string | undefined;
  /** Of executors that name none. */
  readonly queue: string | undefined;
  /** Whether this is the local Batch, which has secrets from the environment and from files. */
  readonly local: boolean;
}

/** Batch refuses less. */
const TIMEOUT_SECONDS_MIN = 60;
const MEMORY_MIB_MIN = 4;

/** Attempts are ours: a job is started once, whatever ends it. Without a matching rule Batch would retry. */
const ONE_ATTEMPT: RetryStrategy = { attempts: 1, evaluateOnExit: [{ onReason: '*', action: 'EXIT' }] };

/** Every submission overrides these; a definition must have some, and Fargate must allow the pair. */
const PLACEHOLDER_SIZE: ResourceRequirement[] = [
  { type: 'VCPU', value: '1' },
  { type: 'MEMORY', value: '2048' },
];

/**
 * The job definition of everything that overrides cannot say. Its name is a function of its content, so that equal
 * definitions are registered once. The image's entry point is the runner, so there is no command. The job's role also
 * fetches its secrets, and on Fargate pulls the image and writes the log.
 */
export function jobDefinitionParams(
  stack: string,
  { image, role, platform = 'EC2', secrets }: Pick<Resources, 'image' | 'role' | 'platform' | 'secrets'>,
): RegisterJobDefinitionCommandInput & { readonly jobDefinitionName: string } {
  const fetched = fetchedSecrets(secrets);
  const content: Omit<RegisterJobDefinitionCommandInput, 'jobDefinitionName'> = {
    type: 'container',
    platformCapabilities: [platform],
    containerProperties: {
      ...(image && { image }),
      ...(role && { jobRoleArn: role }),
      ...(role && (platform === 'FARGATE' || fetched.length > 0) && { executionRoleArn: role }),
      ...(fetched.length > 0 && { secrets: fetched }),
      resourceRequirements: PLACEHOLDER_SIZE,
    },
    retryStrategy: ONE_ATTEMPT,
  };
  return { jobDefinitionName: `redex-${stack}-${digest('job definition', JSON.stringify(content))}`, ...content };
}

/** In the order of their names: equal secrets are equal definitions, however they were written. */
function fetchedSecrets(secrets: Resources['secrets'] = {}): Secret[] {
  const present = Object.entries(secrets).filter(([, source]) => source !== undefined);
  return present
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, source]) => ({ name: `${SECRET_VARIABLE}${name}`, valueFrom: secretText(source) }));
}

/** Why AWS could not give a job its secrets; undefined where it can. */
export function secretsProblem({ secrets = {}, role }: Pick<Resources, 'secrets' | 'role'>): string | undefined {
  const here = Object.entries(secrets).find(([, source]) => source !== undefined && typeof source !== 'string');
  if (here) {
    const [name, source] = here;
    return `the secret ${name} is had from ${secretText(source)}, where no job on AWS can look: give it by ARN, in a profile`;
  }
  if (role || Object.keys(secrets).length === 0) return undefined;
  return 'secrets are fetched by the role of the job, and it has none: give the executor the option role';
}

export type Sized =
  | { readonly ok: true; readonly requirements: ResourceRequirement[] }
  | { readonly ok: false; readonly reason: string };

/** What Batch is asked for: whole vCPUs on EC2, one of the fixed sizes on Fargate; memory in MiB. */
export function resourceRequirements({ vcpus, memory, gpus = 0, platform }: Resources): Sized {
  const memoryMib = Math.max(MEMORY_MIB_MIN, Math.ceil(memory * 1024));
  if (platform !== 'FARGATE') return { ok: true, requirements: requirements(Math.ceil(vcpus), memoryMib, gpus) };
  if (gpus > 0) return { ok: false, reason: 'Fargate has no GPUs: give the task an executor on EC2' };
  const found = fargateSize(vcpus, memoryMib);
  if (found.ok) return { ok: true, requirements: requirements(found.size.vcpus, found.size.memoryMib, 0) };
  const { nearest } = found;
  const reason = `Fargate has no size of ${vcpus} vCPUs with ${memory} GiB; the nearest is ${nearest.vcpus} vCPUs with ${nearest.memoryMib / 1024} GiB`;
  return { ok: false, reason };
}

function requirements(vcpus: number, memoryMib: number, gpus: number): ResourceRequirement[] {
  return [
    { type: 'VCPU', value: String(vcpus) },
    { type: 'MEMORY', value: String(memoryMib) },
    ...(gpus > 0 ? [{ type: 'GPU', value: String(gpus) } as const] : []),
  ];
}

export function submitParams(
  settings: BatchSettings,
  request: SubmissionRequest,
  target: { readonly queue: string; readonly definition: string; readonly requirements: ResourceRequirement[] },
): SubmitJobCommandInput {
  const { resources, size, name, spec } = request;
  return {
    jobName: name,
    jobQueue: target.queue,
    jobDefinition: target.definition,
    containerOverrides: {
      environment: environment(settings, spec, target.requirements),
      resourceRequirements: target.requirements,
    },
    retryStrategy: ONE_ATTEMPT,
    timeout: { attemptDurationSeconds: Math.max(TIMEOUT_SECONDS_MIN, Math.ceil(resources.timeoutSeconds)) },
    ...(size > 1 && { arrayProperties: { size } }),
    ...(resources.shareIdentifier && { shareIdentifier: resources.shareIdentifier }),
    ...(resources.tags && { tags: resources.tags, propagateTags: true }),
  };
}

/** Every event shows these values: no secrets. What is granted is told, so that a script can follow a retry with more. */
function environment(
  settings: BatchSettings,
  spec: string,
  requirements: readonly ResourceRequirement[],
): KeyValuePair[] {
  const granted = (type: ResourceRequirement['type']) => requirements.find((one) => one.type === type)?.value;
  const variables = {
    REDEX_SPEC: spec,
    REDEX_STORE: settings.store,
    REDEX_TABLE_ATTEMPTS: settings.attemptsTable,
    REDEX_FILES_ROOT: settings.filesRoot,
    REDEX_VCPUS: granted('VCPU'),
    REDEX_MEMORY_MB: granted('MEMORY'),
  };
  return Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

/** The filter is what makes Batch list jobs of every status. It ignores case: the names must be compared again. */
export function listByNameParams(name: string, queue: string): ListJobsCommandInput {
  return { jobQueue: queue, filters: [{ name: 'JOB_NAME', values: [name] }] };
}
