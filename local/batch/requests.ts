/** The requests of the SDK's Batch client, parsed, and the limits AWS sets them. */
import * as v from 'valibot';
import { BATCH_STATUSES } from '../../core/aws/batch/jobs.ts';
import type { Container, EnvironmentPair } from './records.ts';

/** A request that AWS Batch would refuse with a ClientException. */
export class ClientException extends Error {
  override readonly name = 'ClientException';
}

const Pairs = v.array(v.object({ name: v.string(), value: v.optional(v.string(), '') }));
const Requirements = v.array(v.object({ type: v.picklist(['VCPU', 'MEMORY', 'GPU']), value: v.string() }));
const Strings = v.record(v.string(), v.string());
const Name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, 'must be up to 128 letters, digits, hyphens and underscores'),
);
const Timeout = v.object({ attemptDurationSeconds: v.optional(v.pipe(v.number(), v.integer())) });
/** Attempts are the engine's own: the local Batch has no retries. */
const Retry = v.object({ attempts: v.optional(v.literal(1, 'must be 1: the local Batch does not retry')) });

const ContainerSettings = v.object({
  image: v.optional(v.string()),
  command: v.optional(v.array(v.pipe(v.string(), v.minLength(1, 'must not be empty')))),
  environment: v.optional(Pairs),
  resourceRequirements: v.optional(Requirements),
  vcpus: v.optional(v.number()),
  memory: v.optional(v.number()),
});
type ContainerSettings = v.InferOutput<typeof ContainerSettings>;

const DefinedSettings = v.looseObject({
  ...ContainerSettings.entries,
  secrets: v.optional(v.array(v.object({ name: v.string(), valueFrom: v.string() }))),
});
type DefinedSettings = v.InferOutput<typeof DefinedSettings>;

export const RegisterJobDefinition = v.looseObject({
  jobDefinitionName: Name,
  type: v.literal('container', 'must be container'),
  containerProperties: DefinedSettings,
  timeout: v.optional(Timeout),
  retryStrategy: v.optional(Retry),
  parameters: v.optional(Strings),
});

export const SubmitJob = v.object({
  jobName: Name,
  jobQueue: v.string(),
  jobDefinition: v.string(),
  arrayProperties: v.optional(
    v.object({ size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(10_000))) }),
  ),
  dependsOn: v.optional(v.pipe(v.array(v.unknown()), v.maxLength(0, 'is not supported by the local Batch'))),
  containerOverrides: v.optional(ContainerSettings),
  timeout: v.optional(Timeout),
  retryStrategy: v.optional(Retry),
  parameters: v.optional(Strings),
  tags: v.optional(v.pipe(Strings, v.maxEntries(50))),
});
export type SubmitJob = v.InferOutput<typeof SubmitJob>;

export const DescribeJobs = v.object({ jobs: v.pipe(v.array(v.string()), v.maxLength(100)) });

export const TerminateJob = v.object({ jobId: v.string(), reason: v.pipe(v.string(), v.minLength(1)) });

const Page = {
  maxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  nextToken: v.optional(v.string()),
};

export const ListJobs = v.object({
  jobQueue: v.optional(v.string()),
  arrayJobId: v.optional(v.string()),
  jobStatus: v.optional(v.picklist(BATCH_STATUSES)),
  filters: v.optional(
    v.pipe(
      v.array(
        v.object({
          name: v.literal('JOB_NAME', 'must be JOB_NAME in the local Batch'),
          values: v.pipe(v.array(v.string()), v.length(1)),
        }),
      ),
      v.maxLength(1),
    ),
  ),
  ...Page,
});

export const DescribeJobDefinitions = v.object({
  jobDefinitions: v.optional(v.pipe(v.array(v.string()), v.maxLength(100))),
  jobDefinitionName: v.optional(v.string()),
  status: v.optional(v.picklist(['ACTIVE', 'INACTIVE'])),
  ...Page,
});

export function parseRequest<S extends v.GenericSchema>(schema: S, body: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw refusal(`${v.getDotPath(issue) ?? 'the request'} ${issue.message}`);
}

export function refusal(reason: string): ClientException {
  return new ClientException(`Error executing request, Exception : ${reason}`);
}

/** The definition's settings under the submission's, as one container. */
export function resolveContainer(definition: DefinedSettings, overrides: ContainerSettings = {}): Container {
  const image = overrides.image ?? definition.image;
  const amount = (type: 'VCPU' | 'MEMORY' | 'GPU'): number | undefined => {
    const found = [overrides, definition]
      .flatMap((settings) => settings.resourceRequirements ?? [])
      .find((requirement) => requirement.type === type);
    return found && Number(found.value);
  };
  const vcpus = amount('VCPU') ?? overrides.vcpus ?? definition.vcpus ?? 1;
  const memoryMiB = amount('MEMORY') ?? overrides.memory ?? definition.memory ?? 2048;
  const gpus = amount('GPU');
  if (!(vcpus > 0 && memoryMiB > 0)) throw refusal('resourceRequirements must be positive numbers');
  return {
    ...(image && { image }),
    command: overrides.command ?? definition.command ?? [],
    environment: mergePairs(definition.environment ?? [], overrides.environment ?? []),
    vcpus,
    memoryMiB,
    ...(gpus && { gpus }),
    ...(definition.secrets && { secrets: definition.secrets }),
  };
}

function mergePairs(under: readonly EnvironmentPair[], over: readonly EnvironmentPair[]): EnvironmentPair[] {
  const merged = new Map([...under, ...over].map((pair) => [pair.name, pair.value]));
  for (const name of merged.keys()) {
    if (name.startsWith('AWS_BATCH')) throw refusal(`Environment variable ${name} must not start with AWS_BATCH`);
  }
  return [...merged].map(([name, value]) => ({ name, value }));
}
