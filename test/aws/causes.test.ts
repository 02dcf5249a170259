/** What Batch says of ends, and what is made of it. */
import { describe, expect, it } from 'vitest';
import { causeOf, saidOf } from '../../core/aws/batch/causes.ts';
import type { DescribedJob } from '../../core/aws/batch/jobs.ts';
import { type OwnReasonCode, readReason, reasonText } from '../../core/aws/batch/reasons.ts';
import type { Cause } from '../../core/values/causes.ts';

const FAILED = { id: 'job-1', name: 'n', status: 'FAILED' } as const;

type Said = Pick<DescribedJob, 'statusReason' | 'containerReason' | 'exitCode'>;

const EXITED = 'Essential container in task exited';
const NO_START = 'Task failed to start';
const LIMIT = 'Canceled by JobStateTimeLimit action due to reason:';
const ENI = 'ResourceInitializationError: failed to configure ENI: failed to setup regular eni:';

/** What AWS Batch and ECS have said, as their user guides and their users have it. */
const SAID: readonly (readonly [Cause, Said])[] = [
  // No network interface.
  ['not-started', { statusReason: 'Timeout waiting for network interface provisioning to complete.' }],
  [
    'not-started',
    { statusReason: 'Network interface provision complete error timeout wait for network interface provision' },
  ],
  ['not-started', { statusReason: NO_START, containerReason: `${ENI} context deadline exceeded` }],
  ['not-started', { statusReason: NO_START, containerReason: `${ENI} netplugin failed with no error message` }],
  ['not-started', { statusReason: `${ENI} netplugin failed with no error message` }],
  [
    'not-started',
    {
      statusReason:
        'Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet subnet-0a: InsufficientFreeAddressesInSubnet',
    },
  ],
  ['not-started', { statusReason: 'RESOURCE:ENI' }],
  // What a task needs before its container.
  [
    'not-started',
    {
      statusReason:
        'ResourceInitializationError: failed to initialize logging driver: failed to create Cloudwatch log stream',
    },
  ],
  [
    'not-started',
    {
      statusReason: NO_START,
      containerReason:
        'CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: RequestError: send request failed caused by: Post https://logs.us-east-2.amazonaws.com/: dial tcp 10.20.10.16:443: i/o time',
    },
  ],
  [
    'not-started',
    { statusReason: 'ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes' },
  ],
  ['not-started', { containerReason: 'CannotCreateVolumeError: unable to copy contents to volume on host' }],
  [
    'not-started',
    { containerReason: 'DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s' },
  ],
  [
    'not-started',
    { containerReason: 'DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s' },
  ],
  [
    'not-started',
    { containerReason: 'ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m' },
  ],
  ['not-started', { statusReason: NO_START }],
  // No room.
  [
    'not-started',
    {
      statusReason:
        'Service was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.',
    },
  ],
  [
    'not-started',
    {
      statusReason: 'Capacity is unavailable at this time. Please try again later or in a different availability zone',
    },
  ],
  [
    'not-started',
    {
      statusReason:
        "service storage-prod was unable to place a task. Reason: You've reached the limit on the number of tasks you can run concurrently.",
    },
  ],
  ['not-started', { statusReason: "You've reached the limit on the number of vCPUs you can run concurrently" }],
  ['not-started', { statusReason: 'RESOURCE:MEMORY' }],
  ['not-started', { statusReason: `${LIMIT} CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY` }],
  ['not-started', { statusReason: `${LIMIT} MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE` }],
  ['not-started', { statusReason: `${LIMIT} MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT` }],
  [
    'not-started',
    { statusReason: 'Terminated by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY' },
  ],
  // A machine was taken away.
  ['machine-lost', { statusReason: 'Your Spot Task was interrupted.', exitCode: 143 }],
  ['machine-lost', { statusReason: 'Your Spot Task was interrupted.' }],
  ['machine-lost', { statusReason: 'Host EC2 (instance i-0737c70432d64f82a) terminated.' }],
  ['machine-lost', { statusReason: 'Host EC2 Terminated' }],
  // Memory.
  [
    'out-of-memory',
    { statusReason: EXITED, containerReason: 'OutOfMemoryError: Container killed due to memory usage', exitCode: 137 },
  ],
  ['out-of-memory', { statusReason: EXITED, exitCode: 137 }],
  // An image.
  [
    'image',
    {
      statusReason: NO_START,
      containerReason:
        'CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob887491687: no space left on device',
    },
  ],
  [
    'image',
    {
      statusReason: NO_START,
      containerReason:
        'CannotStartContainerError: Error response from daemon: OCI runtime create failed: container_linux.go:348: starting container process caused "exec: "gzipdata": executable file not found in $PATH": unknown',
    },
  ],
  // The work may have been done.
  [
    'no-result',
    {
      statusReason: EXITED,
      containerReason: 'CannotInspectContainerError: Could not transition to inspecting; timed out after waiting 30s',
    },
  ],
  [
    'no-result',
    { containerReason: 'DockerTimeoutError: Could not transition to stopped; timed out after waiting 2m0s' },
  ],
  ['timed-out', { statusReason: 'Job attempt duration exceeded timeout' }],
  ['timed-out', { statusReason: 'Job attempt duration exceeded timeout', exitCode: 137 }],
  // Somebody ended it: the text is theirs.
  ['terminated', { statusReason: 'Terminated by user', exitCode: 137 }],
  ['terminated', { statusReason: 'wrong reference, sorry', exitCode: 143 }],
  ['terminated', { statusReason: 'cancelled from the console' }],
  // The program.
  ['program', { statusReason: EXITED, exitCode: 1 }],
  ['program', { statusReason: EXITED, exitCode: 143 }],
  ['program', { statusReason: 'Container Overrides length must be at most 8192' }],
  ['program', { statusReason: 'Dependent Job failed' }],
  ['program', {}],
  // The runner itself.
  ['interrupted', { statusReason: EXITED, exitCode: 97 }],
  ['machine-lost', { statusReason: EXITED, exitCode: 70 }],
];

describe('what a service says of an end', () => {
  it.each(SAID)('is told apart: %s, %j', (cause, said) => {
    expect(causeOf({ ...FAILED, ...said })).toBe(cause);
  });

  it('is taken for want of memory, and called a guess, where a container was killed and nobody says why', () => {
    const killed = { ...FAILED, statusReason: EXITED, exitCode: 137 } as const;
    expect(saidOf(killed)).toBe('Essential container in task exited; memory has probably run out');
    const said = { ...killed, containerReason: 'OutOfMemoryError: Container killed due to memory usage' };
    expect(saidOf(said)).toBe(`${EXITED}; OutOfMemoryError: Container killed due to memory usage`);
  });

  const secrets = 'ResourceInitializationError: unable to pull secrets or registry auth: ';
  const resources = `${secrets}execution resource retrieval failed: `;
  it.each([
    [
      'secret',
      `${resources}unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:us-west-2:1:secret:k from secrets manager: AccessDeniedException: Access to KMS is not allowed`,
    ],
    [
      'secret',
      `${resources}unable to retrieve secrets from ssm: The requested secret 'k' was not found: ParameterNotFound`,
    ],
    ['secret', `${secrets}The task cannot pull secrets from AWS Secrets Manager: there is no secret k`],
    [
      'not-started',
      `${resources}unable to retrieve secret from asm: RequestCanceled: request context canceled caused by: context deadline exceeded`,
    ],
    ['not-started', `${resources}unable to retrieve secrets from ssm: ThrottlingException: Rate exceeded`],
    ['not-started', `${secrets}pull command failed: : signal: killed`],
    [
      'image',
      `${resources}unable to retrieve ecr registry auth: service call has been retried 3 time(s): AccessDeniedException`,
    ],
    [
      'image',
      `${resources}unable to get registry auth from asm: asm fetching secret from the service for k: ResourceNotFound`,
    ],
    ['image', `${secrets}The task cannot pull registry auth from Amazon ECR: there is a connection issue`],
    ['image', 'CannotPullContainerError: pull image manifest has been retried 5 time(s): secret/image:1 not found'],
  ])('is told apart by whether a secret or an image was not to be had: %s', (cause, containerReason) => {
    expect(causeOf({ ...FAILED, statusReason: NO_START, containerReason })).toBe(cause);
    expect(causeOf({ ...FAILED, statusReason: containerReason })).toBe(cause);
  });
});

describe('what redex has Batch say itself', () => {
  const OWN: readonly (readonly [OwnReasonCode, Cause, string])[] = [
    ['cancelling', 'interrupted', 'the run was cancelled'],
    ['failing', 'interrupted', 'another job of the run failed'],
    ['machine-stopped', 'interrupted', 'the machine was stopped'],
    ['secret-missing', 'secret', 'a secret is missing'],
  ];

  it.each(OWN)('is known by its code, and said to people without: %s', (code, cause, words) => {
    const job = { ...FAILED, statusReason: reasonText(code), exitCode: 143 };
    expect(causeOf(job)).toBe(cause);
    expect(saidOf(job)).toBe(words);
    const detail = 'K: the file /x/timeout\n[redex:none] cannot be read';
    const detailed = { ...FAILED, statusReason: NO_START, containerReason: reasonText(code, detail) };
    expect(causeOf(detailed)).toBe(cause);
    expect(saidOf(detailed)).toBe(`${NO_START}; ${words}: ${detail}`);
  });

  it.each(['the run was cancelled', 'x [redex:constructor]', '[redex:cancelling]', 'x [redex:cancelling] y'])(
    'is nothing that others say: %s',
    (text) => {
      expect(readReason(text)).toBeUndefined();
    },
  );
});
