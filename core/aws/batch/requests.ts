/** The shapes of our requests to AWS Batch; nothing is sent from here. */
import type {
  KeyValuePair,
  ListJobsCommandInput,
  ResourceRequirement,
  SubmitJobCommandInput,
} from '@aws-sdk/client-batch';
import type { Resources, SubmissionRequest } from '../../engine/executor.ts';
import { fargateSize } from './fargate.ts';
import { type DefinitionSettings, JOB_CONTAINER, ONE_ATTEMPT } from './job-definitions.ts';

/** What jobs are told about the deployment, and defaults of executors. */
export interface BatchSettings extends DefinitionSettings {
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

export type Sizing =
  | { readonly ok: true; readonly requirements: ResourceRequirement[] }
  | { readonly ok: false; readonly reason: string };

/** What Batch is asked for: whole vCPUs on EC2, one of the fixed sizes on Fargate; memory in MiB. */
export function resourceRequirements({ vcpus, memory, gpus = 0, platform }: Resources): Sizing {
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
  const { resources, size, name } = request;
  const overrides = {
    environment: environment(settings, request, target.requirements),
    resourceRequirements: target.requirements,
  };
  const inTwo = { taskProperties: [{ containers: [{ name: JOB_CONTAINER, ...overrides }] }] };
  return {
    jobName: name,
    jobQueue: target.queue,
    jobDefinition: target.definition,
    ...(resources.runnerImage === undefined ? { containerOverrides: overrides } : { ecsPropertiesOverride: inTwo }),
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
  { spec, resources }: SubmissionRequest,
  requirements: readonly ResourceRequirement[],
): KeyValuePair[] {
  const granted = (type: ResourceRequirement['type']) => requirements.find((one) => one.type === type)?.value;
  const variables = {
    REDEX_SPEC: spec,
    REDEX_STORE: settings.store,
    REDEX_SCRATCH: resources.scratch,
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
