import {
  BatchClient,
  BatchServiceException,
  ClientException,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  ServerException,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { batchExecutor } from '../../core/aws/batch/executor.ts';
import { batchSettings, submission } from '../support/submission.ts';

const client = new BatchClient({ region: 'us-east-1' });
const sent = mockClient(client);

function executor(settings = batchSettings) {
  return batchExecutor({ batch: client, batchOnce: client }, settings);
}

function failure(name: string, httpStatusCode: number) {
  const options = { name, message: `${name} it is`, $metadata: { httpStatusCode } };
  return new BatchServiceException({ ...options, $fault: httpStatusCode < 500 ? 'client' : 'server' });
}

beforeEach(() => {
  sent.reset();
  sent.on(DescribeJobDefinitionsCommand).resolves({ jobDefinitions: [] });
  sent.on(RegisterJobDefinitionCommand).resolves({ jobDefinitionArn: 'arn:definition:1' });
  sent.on(SubmitJobCommand).resolves({ jobId: 'job-1' });
});

describe('a submission', () => {
  it('is accepted under an id, with the definition pinned to a revision', async () => {
    expect(await executor().submit(submission())).toEqual({ kind: 'accepted', id: 'job-1' });
    expect(sent.commandCalls(SubmitJobCommand)[0]?.args[0].input).toMatchObject({
      jobDefinition: 'arn:definition:1',
      jobQueue: 'default-queue',
    });
  });

  it('goes to the queue it names', async () => {
    await executor().submit(submission({}, { queue: 'special' }));
    expect(sent.commandCalls(SubmitJobCommand)[0]?.args[0].input.jobQueue).toBe('special');
  });

  it('registers its definition once, however many are sent at the same time', async () => {
    const batch = executor();
    await Promise.all([batch.submit(submission()), batch.submit(submission()), batch.submit(submission())]);
    await batch.submit(submission());
    expect(sent.commandCalls(DescribeJobDefinitionsCommand)).toHaveLength(1);
    expect(sent.commandCalls(RegisterJobDefinitionCommand)).toHaveLength(1);
    await batch.submit(submission({}, { image: 'another' }));
    expect(sent.commandCalls(RegisterJobDefinitionCommand)).toHaveLength(2);
  });

  it('uses the newest revision that is registered already', async () => {
    sent.on(DescribeJobDefinitionsCommand).resolves({
      jobDefinitions: [
        { jobDefinitionArn: 'arn:definition:9', revision: 9, jobDefinitionName: 'x', type: 'container' },
        { jobDefinitionArn: 'arn:definition:10', revision: 10, jobDefinitionName: 'x', type: 'container' },
      ],
    });
    await executor().submit(submission());
    expect(sent.commandCalls(RegisterJobDefinitionCommand)).toHaveLength(0);
    expect(sent.commandCalls(SubmitJobCommand)[0]?.args[0].input.jobDefinition).toBe('arn:definition:10');
  });

  const arn = 'arn:aws:ssm:us-west-2:123456789012:parameter/sra/key';

  it.each([
    [
      'from a variable',
      { secrets: { KEY: { env: 'SRA_KEY' } }, role: 'r' },
      /^the secret KEY is had from env:SRA_KEY, /,
    ],
    ['from a file', { secrets: { KEY: { file: '~/key' } }, role: 'r' }, /^the secret KEY is had from file:~\/key, /],
    ['by no role', { secrets: { KEY: arn } }, /it has none: give the executor the option role$/],
  ] as const)(
    'with a secret that AWS could not fetch is refused before anything is sent: %s',
    async (_, options, why) => {
      expect(await executor().submit(submission({}, options))).toEqual({
        kind: 'refused',
        reason: expect.stringMatching(why),
      });
      expect(sent.calls()).toHaveLength(0);
    },
  );

  it('with secrets by ARN has them in its definition', async () => {
    await executor().submit(submission({}, { secrets: { KEY: arn }, role: 'arn:role' }));
    expect(sent.commandCalls(RegisterJobDefinitionCommand)[0]?.args[0].input.containerProperties).toMatchObject({
      secrets: [{ name: 'REDEX_SECRET_KEY', valueFrom: arn }],
      executionRoleArn: 'arn:role',
    });
    expect(JSON.stringify(sent.commandCalls(SubmitJobCommand)[0]?.args[0].input)).not.toContain('KEY');
  });

  it('that Batch has no room for may be sent again', async () => {
    sent.on(SubmitJobCommand).rejects(failure('TooManyRequestsException', 429));
    expect(await executor().submit(submission())).toEqual({ kind: 'throttled' });
    sent.on(SubmitJobCommand).rejects(failure('ThrottlingException', 400));
    expect(await executor().submit(submission())).toEqual({ kind: 'throttled' });
  });

  it.each([
    ['ExpiredTokenException', 403],
    ['AccessDeniedException', 403],
    ['UnrecognizedClientException', 403],
    ['InvalidSignatureException', 403],
    ['SignatureDoesNotMatch', 403],
    ['RequestTimeTooSkewed', 403],
    ['RequestExpired', 400],
    ['IncompleteSignature', 400],
    ['InvalidClientTokenId', 403],
    ['SomethingNew', 403],
    ['SomethingElse', 401],
  ])('that is denied for who we are is no fault of its job, and may be sent again: %s', async (name, status) => {
    const denied = { kind: 'denied', reason: `${name}: ${name} it is` };
    sent.on(SubmitJobCommand).rejects(failure(name, status));
    expect(await executor().submit(submission())).toEqual(denied);
    sent.on(RegisterJobDefinitionCommand).rejects(failure(name, status));
    expect(await executor().submit(submission({}, { image: 'another' }))).toEqual(denied);
    expect(sent.commandCalls(SubmitJobCommand)).toHaveLength(1);
  });

  it('for which there are no keys is sent again when there are some', async () => {
    const name = 'CredentialsProviderError';
    sent.on(SubmitJobCommand).rejects(Object.assign(new Error('could not load credentials'), { name }));
    expect(await executor().submit(submission())).toMatchObject({ kind: 'denied' });
  });

  it.each([
    'JobDefinition arn:definition:1 not found.',
    'JobDefinition name redex-test does not exist or is not in ACTIVE status',
    'Job definition redex-test does not exist.',
  ])('whose definition somebody deregistered is sent with one that is registered anew: %s', async (message) => {
    const gone = new ClientException({ message, $metadata: { httpStatusCode: 400 } });
    const batch = executor();
    sent.on(SubmitJobCommand).resolvesOnce({ jobId: 'job-1' }).rejectsOnce(gone).resolves({ jobId: 'job-2' });
    await batch.submit(submission());
    sent.on(RegisterJobDefinitionCommand).resolves({ jobDefinitionArn: 'arn:definition:2' });
    expect(await batch.submit(submission())).toEqual({ kind: 'accepted', id: 'job-2' });
    expect(sent.commandCalls(SubmitJobCommand).map((call) => call.args[0].input.jobDefinition)).toEqual([
      'arn:definition:1',
      'arn:definition:1',
      'arn:definition:2',
    ]);
    sent.on(SubmitJobCommand).rejects(gone);
    expect(await batch.submit(submission())).toEqual({ kind: 'refused', reason: `ClientException: ${message}` });
    expect(sent.commandCalls(SubmitJobCommand)).toHaveLength(5);
  });

  it('that Batch refuses comes back with the reason', async () => {
    const answer = new ClientException({ message: 'JobQueue q is disabled', $metadata: { httpStatusCode: 400 } });
    sent.on(SubmitJobCommand).rejects(answer);
    expect(await executor().submit(submission())).toEqual({
      kind: 'refused',
      reason: 'ClientException: JobQueue q is disabled',
    });
  });

  it.each([
    ['a server error', new ServerException({ message: 'oops', $metadata: { httpStatusCode: 500 } })],
    ['a time-out', Object.assign(new Error('no answer'), { name: 'TimeoutError' })],
    ['a broken connection', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
    ['a request that timed out on the way', failure('RequestTimeout', 408)],
  ])('is neither accepted nor refused after %s', async (_, error) => {
    sent.on(SubmitJobCommand).rejects(error);
    expect(await executor().submit(submission())).toMatchObject({ kind: 'unknown' });
    expect(sent.commandCalls(SubmitJobCommand)).toHaveLength(1);
  });

  it('whose definition could not be made was certainly not sent', async () => {
    sent
      .on(RegisterJobDefinitionCommand)
      .rejectsOnce(failure('ServerException', 500))
      .rejectsOnce(failure('ClientException', 400))
      .resolves({ jobDefinitionArn: 'arn:definition:1' });
    const batch = executor();
    expect(await batch.submit(submission())).toEqual({ kind: 'throttled' });
    const refused = { kind: 'refused', reason: 'ClientException: ClientException it is' };
    expect(await batch.submit(submission())).toEqual(refused);
    expect(sent.commandCalls(SubmitJobCommand)).toHaveLength(0);
    expect(await batch.submit(submission())).toMatchObject({ kind: 'accepted' });
  });

  it('that can never fit is refused before anything is sent', async () => {
    const outcome = await executor().submit(submission({}, { platform: 'FARGATE', vcpus: 99 }));
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('the nearest is 16 vCPUs') });
    expect(await executor({ ...batchSettings, queue: undefined }).submit(submission())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('queue'),
    });
    expect(sent.calls()).toHaveLength(0);
  });
});

describe('jobs', () => {
  it('are found by their exact name, on all pages', async () => {
    sent
      .on(ListJobsCommand)
      .resolvesOnce({
        jobSummaryList: [
          { jobId: 'a', jobName: 'Name' },
          { jobId: 'b', jobName: 'name' },
        ],
        nextToken: 'more',
      })
      .resolvesOnce({ jobSummaryList: [{ jobId: 'c', jobName: 'Name' }] });
    expect(await executor().find('Name', 'special')).toEqual(['a', 'c']);
    const inputs = sent.commandCalls(ListJobsCommand).map((call) => call.args[0].input);
    expect(inputs[0]).toMatchObject({ jobQueue: 'special', filters: [{ name: 'JOB_NAME', values: ['Name'] }] });
    expect(inputs[1]).toMatchObject({ nextToken: 'more' });
  });

  it('are looked at a hundred at a time', async () => {
    sent.on(DescribeJobsCommand).callsFake(({ jobs }: { jobs: string[] }) => ({
      jobs: jobs.map((jobId) => ({ jobId, jobName: 'name', status: 'RUNNING', startedAt: 7 })),
    }));
    const jobs = Array.from({ length: 201 }, (_, at) => ({ submission: `job-${at}` }));
    const reports = await executor().look(jobs);
    expect(reports.map(({ job }) => job)).toEqual(jobs);
    expect(reports[0]).toEqual({ job: jobs[0], name: 'name', state: { is: 'running' }, times: { startedAt: 7 } });
    expect(sent.commandCalls(DescribeJobsCommand)).toHaveLength(3);
    expect(await executor().look([])).toEqual([]);
  });

  it('of an array are asked about by the ids that Batch gives its children', async () => {
    sent.on(DescribeJobsCommand).resolves({ jobs: [] });
    await executor().look([{ submission: 'a' }, { submission: 'a', index: 0 }]);
    expect(sent.commandCalls(DescribeJobsCommand)[0]?.args[0].input).toEqual({ jobs: ['a', 'a:0'] });
  });

  it('are ended with a reason, also when Batch has forgotten them', async () => {
    sent.on(TerminateJobCommand).resolves({});
    await executor().stop('job-1', 'cancelling');
    const reason = 'the run was cancelled [redex:cancelling]';
    expect(sent.commandCalls(TerminateJobCommand)[0]?.args[0].input).toEqual({ jobId: 'job-1', reason });
    sent.on(TerminateJobCommand).rejects(new ClientException({ message: 'no such job', $metadata: {} }));
    await executor().stop('job-1', 'cancelling');
    sent.on(TerminateJobCommand).rejects(failure('ServerException', 500));
    await expect(executor().stop('job-1', 'cancelling')).rejects.toThrow('ServerException');
  });
});
