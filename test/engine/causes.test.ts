import { describe, expect, it } from 'vitest';
import { causeOf, verdictError } from '../../core/engine/causes.ts';
import type { Verdict } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { task } from '../../core/index.ts';
import type { Cause } from '../../core/values/causes.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playWorld, start } from '../support/play.ts';

describe('a job that ended without a result', () => {
  const told = (exitCode: number) =>
    errorLine(verdictError('demo.task', 'program', { id: 'job-1', name: 'n', status: 'FAILED', exitCode }));

  it('is told with what its exit code means', () => {
    expect(told(127)).toContain('exit code 127 (a command was not found');
    expect(told(137)).toContain('exit code 137 (SIGKILL: killed from outside');
    expect(told(139)).toContain('exit code 139 (SIGSEGV: a program crashed');
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
    ['secret', 'redex local: a secret is missing: K: the file /x/timeout cannot be read (ENOENT): put it there'],
  ])('is told apart by whether a secret or an image was not to be had: %s', (cause, containerReason) => {
    const verdict = { id: 'job-1', name: 'n', status: 'FAILED', statusReason: 'Task failed to start' } as const;
    expect(causeOf({ ...verdict, containerReason })).toBe(cause);
    expect(causeOf({ ...verdict, statusReason: containerReason })).toBe(cause);
  });

  it('for want of a secret is caught by a name of its own', () => {
    const verdict = {
      id: 'job-1',
      name: 'n',
      status: 'FAILED',
      containerReason: `${resources}unable to retrieve secret`,
    } as const;
    expect(errorLine(verdictError('demo.task', 'secret', verdict))).toBe(
      `SecretError: demo.task: job job-1 ended FAILED without a result (${resources}unable to retrieve secret)`,
    );
  });

  it('is told without a guess where the code says nothing', () => {
    expect(told(1)).toBe(
      'JobFailed: demo.task: job job-1 ended FAILED without a result (no reason given, exit code 1)',
    );
  });
});

type Said = Pick<Verdict, 'statusReason' | 'containerReason' | 'exitCode'>;

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
  ['interrupted', { statusReason: 'the run was cancelled', exitCode: 143 }],
];

describe('what a service says of an end', () => {
  it.each(SAID)('is told apart: %s, %j', (cause, said) => {
    expect(causeOf({ id: 'job-1', name: 'n', status: 'FAILED', ...said })).toBe(cause);
  });

  it('is taken for want of memory, and called a guess, where a container was killed and nobody says why', () => {
    const killed = { id: 'job-1', name: 'n', status: 'FAILED', statusReason: EXITED, exitCode: 137 } as const;
    expect(errorLine(verdictError('demo.task', 'out-of-memory', killed))).toMatch(
      /^OutOfMemory: .*\(Essential container in task exited; memory has probably run out, exit code 137/,
    );
    const said = { ...killed, containerReason: 'OutOfMemoryError: Container killed due to memory usage' };
    expect(errorLine(verdictError('demo.task', 'out-of-memory', said))).not.toContain('probably');
  });
});

describe('after an attempt that ended without a result', () => {
  const heavy = task('causes.heavy', { version: '1', executor: 'batch', memory: 2 }, (n: number) => n);
  const plain = task('causes.plain', { version: '1', executor: 'batch' }, (n: number) => n);
  const spot = { type: 'batch', queue: 'spot', fallbackQueue: 'on-demand' } as const;

  /** Queues and memory of the attempts, when each of them ends as said. */
  async function attempts(
    world: MemoryWorld,
    ends: readonly Said[],
    call: unknown = heavy(1),
  ): Promise<(readonly [string | undefined, number])[]> {
    const run: RunId = await start(world, call);
    await round(world, run);
    for (const said of ends) {
      const { id } = world.batch.jobs.at(-1) ?? { id: '' };
      await round(world, run, [world.batch.report(id, { status: 'FAILED', ...said })]);
    }
    return world.batch.jobs.map(({ request: { resources } }) => [resources.queue, resources.memory]);
  }

  it.each([
    { statusReason: 'Timeout waiting for network interface provisioning to complete.' },
    { statusReason: `${LIMIT} CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY` },
    { statusReason: 'Your Spot Task was interrupted.' },
  ])('for want of a machine, the next go to the queue to fall back on: %j', async (said) => {
    const world = playWorld({ executors: { batch: spot } });
    expect(await attempts(world, [said, said])).toEqual([
      ['spot', 2],
      ['on-demand', 2],
      ['on-demand', 2],
    ]);
  });

  it('for want of a machine, the next go to the same queue where no other is given, five attempts in all', async () => {
    const world = playWorld({ executors: { batch: { type: 'batch', queue: 'spot' } } });
    const said = { statusReason: 'Timeout waiting for network interface provisioning to complete.' };
    expect(
      await attempts(
        world,
        Array.from({ length: 5 }, () => said),
      ),
    ).toEqual(Array.from({ length: 5 }, () => ['spot', 2]));
  });

  it('for want of memory, the next has more of it, on the same queue', async () => {
    const world = playWorld({ executors: { batch: spot } });
    expect(await attempts(world, [{ statusReason: EXITED, exitCode: 137 }])).toEqual([
      ['spot', 2],
      ['spot', 4],
    ]);
  });

  it('for want of memory, the next has more of it also where nobody said how much', async () => {
    const world = playWorld();
    const killed = { statusReason: EXITED, exitCode: 137 };
    expect(await attempts(world, [killed, killed], plain(1))).toEqual([
      [undefined, 4],
      [undefined, 8],
      [undefined, 16],
    ]);
  });

  it('that a person terminated there is no other, however often its program may be tried', async () => {
    const world = playWorld({ executors: { batch: { ...spot, attempts: { program: 3 } } } });
    expect(await attempts(world, [{ statusReason: 'wrong reference, sorry', exitCode: 143 }])).toEqual([['spot', 2]]);
    const [summary] = await world.summaries.list({});
    expect(summary?.traceback).toContain('JobTerminated');
  });

  it('whose claim was not acknowledged, it is looked for on the queue that it was sent to', async () => {
    const world = playWorld({ executors: { batch: spot } });
    const asked: (string | undefined)[] = [];
    const { find } = world.batch;
    const watched = {
      ...world,
      batch: {
        ...world.batch,
        find: (name: string, queue: string | undefined) => {
          asked.push(queue);
          return find(name, queue);
        },
      },
    };
    const run = await start(watched, heavy(1));
    await round(watched, run);
    const lost = watched.batch.report('job-1', { status: 'FAILED', statusReason: 'Your Spot Task was interrupted.' });
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' }, { accepted: true });
    await round(watched, run, [lost]);
    await watched.clock.sleep(3600_000);
    await round(watched, run);
    expect(asked).toEqual(['on-demand']);
  });
});
