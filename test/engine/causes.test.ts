import { describe, expect, it } from 'vitest';
import { causeOf, verdictError } from '../../core/engine/causes.ts';
import { errorLine } from '../../core/graph/errors.ts';

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
      'machine-lost',
      `${resources}unable to retrieve secret from asm: RequestCanceled: request context canceled caused by: context deadline exceeded`,
    ],
    ['machine-lost', `${resources}unable to retrieve secrets from ssm: ThrottlingException: Rate exceeded`],
    ['machine-lost', `${secrets}pull command failed: : signal: killed`],
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
