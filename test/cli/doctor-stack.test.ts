/** What the doctor makes of what it found of a stack, where no AWS is needed to say it. */
import { describe, expect, it } from 'vitest';
import { parseImage, parseRole } from '../../cli/doctor/names.ts';
import { stackChecks } from '../../cli/doctor/stack-checks.ts';
import { FUNCTIONS, type StackFacts, type StackParts, wantedOf } from '../../cli/doctor/stack-facts.ts';
import type { Program } from '../../core/values/program.ts';

const NAME = 'redex-dev';
const ROLE = 'arn:aws:iam::123456789012:role/redex-dev-job';
const DIGEST = `sha256:${'0'.repeat(64)}`;
const NOW = 1_800_000_000_000;

const found = <T>(value: T) => ({ found: value });
const queue = { messages: 0, redrive: { to: `${NAME}-events-dead`, after: 20 } };
const rule = { name: 'a', isEnabled: true, schedule: 'rate(5 minutes)', pattern: undefined };
const jobsRule = (kind: string, prefix = `redex_${NAME}_`) => ({
  ...rule,
  schedule: undefined,
  pattern: { 'detail-type': [kind], detail: { jobName: [{ prefix }] } },
});
const ended = jobsRule('Batch Job State Change');
const blocked = jobsRule('Batch Job Queue Blocked');
const functionFacts = {
  runtime: 'nodejs24.x',
  state: 'Active',
  lastUpdate: 'Successful',
  reserved: undefined,
  variables: { REDEX_STACK: NAME },
};
const machines = { name: 'm', state: 'ENABLED', status: 'VALID', reason: '', vcpusMax: 256 };
const jobQueue = { state: 'ENABLED', status: 'VALID', reason: '', environments: [machines] };
const table = { status: 'ACTIVE', expires: 'expires', isRecoverable: true };

const PARTS: StackParts = {
  now: NOW,
  tables: { '-runs': found({ ...table, expires: undefined }), '-cache': found(table), '-attempts': found(table) },
  bucket: {
    name: found('b'),
    isThere: found(true),
    isVersioned: found(true),
    isPrivate: found(true),
    tells: found(true),
  },
  queue: found(queue),
  deadQueues: { '-events-dead': found(queue), '-undelivered': found(queue) },
  oldestSeconds: found(undefined),
  alarms: found([{ name: `${NAME}-EventsAgeAlarm-X`, state: 'OK', description: '' }]),
  rules: { events: found([ended, blocked]), manifest: found([rule]), sweep: found([rule]) },
  mappings: found(['Enabled']),
  sweepLog: found({ newest: NOW - 1000, hasFailed: false }),
  functions: Object.fromEntries(FUNCTIONS.map((own) => [own, found(functionFacts)])),
  code: found({ bundle: 'b', program: { executors: {}, tasks: {} } }),
  wanted: { queues: { q: ['the stack'] }, images: { 'i:1': ['the stack'] }, roles: { [ROLE]: [] }, imageless: [] },
  jobQueues: { q: found(jobQueue) },
  images: { 'i:1': found('elsewhere') },
  roles: { [ROLE]: found({ trusted: ['ecs-tasks.amazonaws.com'] }) },
};
const FACTS: StackFacts = {
  name: NAME,
  redex: '0.1.0',
  caller: found('arn:aws:iam::123456789012:user/u'),
  skewMs: found(0),
  stack: {
    name: NAME,
    region: 'us-east-1',
    account: '123456789012',
    bucket: 'b',
    apiUrl: 'https://x',
    version: '0.1.0',
    status: 'UPDATE_COMPLETE',
  },
  parts: PARTS,
};

const notRight = (facts: StackFacts) =>
  stackChecks(facts)
    .filter(({ status }) => status !== 'right')
    .map(({ name, status, said }) => [name, status, said]);
const withParts = (changed: Partial<StackParts>): StackFacts => ({ ...FACTS, parts: { ...PARTS, ...changed } });
const withStatus = (status: string): StackFacts => ({ ...FACTS, stack: { ...FACTS.stack, status } as never });

describe('of what was found of a stack', () => {
  it('nothing is wrong where all is as it is deployed', () => {
    expect(notRight(FACTS)).toEqual([]);
  });

  it.each<[string, StackFacts, string, RegExp]>([
    ['a deployment that failed', withStatus('UPDATE_ROLLBACK_COMPLETE'), 'stack', /the last deployment failed$/],
    [
      'a queue that gives healthy messages up',
      withParts({ queue: found({ ...queue, redrive: { to: `${NAME}-events-dead`, after: 3 } }) }),
      'queue of events',
      /after 3 receives/,
    ],
    ['a queue that is gone', withParts({ queue: found(undefined) }), 'queue of events', /^there is no queue/],
    [
      "rules for another stack's jobs",
      withParts({
        rules: { ...PARTS.rules, events: found([jobsRule('Batch Job State Change', 'redex_other_'), blocked]) },
      }),
      'rules',
      /^no rule leads the end of this stack's jobs/,
    ],
    [
      'a function that could not be updated',
      withParts({ functions: { ...PARTS.functions, sweep: found({ ...functionFacts, lastUpdate: 'Failed' }) } }),
      'functions',
      /^the last update of redex-dev-sweep failed$/,
    ],
    [
      "a function of another stack's name",
      withParts({ functions: { start: found({ ...functionFacts, variables: { REDEX_STACK: 'other' } }) } }),
      'functions',
      /^redex-dev-start takes its stack for other/,
    ],
    [
      'a bundle that is gone',
      withParts({ code: found({ bundle: 'b', program: undefined }) }),
      'code',
      /^the bundle b, .* is gone$/,
    ],
    [
      'machines that AWS cannot make',
      withParts({
        jobQueues: {
          q: found({ ...jobQueue, environments: [{ ...machines, status: 'INVALID', reason: 'no\nprofile' }] }),
        },
      }),
      'job queues',
      /is INVALID no profile$/,
    ],
    [
      'a queue without machines',
      withParts({ jobQueues: { q: found({ ...jobQueue, environments: [] }) } }),
      'job queues',
      /^no machines/,
    ],
    [
      'an executor without an image',
      withParts({ wanted: { ...PARTS.wanted, imageless: ['batch'] } }),
      'images',
      /^executor batch names no image/,
    ],
    [
      'a role that the functions may not give to jobs',
      withParts({ roles: { 'arn:aws:iam::123456789012:role/lab': found({ trusted: ['ecs-tasks.amazonaws.com'] }) } }),
      'roles',
      /^the functions may give jobs no role called lab$/,
    ],
    [
      'a role that was never filled in',
      withParts({ roles: { 'arn:aws:iam::YOUR_ACCOUNT_ID:role/YOUR_ROLE': found(undefined) } }),
      'roles',
      /is no ARN of a role$/,
    ],
  ])('%s is wrong', (_what, facts, name, said) => {
    expect(notRight(facts)).toEqual([[name, 'wrong', expect.stringMatching(said)]]);
  });

  it('a deployment under way, and what another account has, are unknown', () => {
    expect(notRight(withStatus('UPDATE_IN_PROGRESS'))).toEqual([
      ['stack', 'unknown', expect.stringContaining('a deployment is under way')],
    ]);
    expect(notRight(withParts({ roles: { [ROLE]: { unseen: `${ROLE} is in another account` } } }))).toEqual([
      ['roles', 'unknown', `could not look: ${ROLE} is in another account`],
    ]);
  });

  it('a tag that moves is said', () => {
    const images = { tools: found('elsewhere' as const), [`tools@${DIGEST}`]: found('elsewhere' as const) };
    const check = stackChecks(withParts({ images })).find(({ name }) => name === 'images');
    expect(check).toMatchObject({ status: 'right', said: expect.stringMatching(/behind :latest .*: tools$/) });
  });
});

describe('what jobs need', () => {
  it('is what the deployment says, what executors and tasks name beside it, and each has its askers', () => {
    const program = {
      executors: {
        inline: { type: 'inline' },
        batch: { type: 'batch', queue: 'q', role: ROLE },
        tools: { type: 'batch', image: 'tools:1', fallbackQueue: 'demand', runnerImage: 'runner:1' },
      },
      tasks: { 'lab.a': { hash: 'h', options: { executor: 'batch', image: 'a:1' } } },
    } as unknown as Program;
    const variables = { REDEX_QUEUE: 'q', REDEX_IMAGE: '', REDEX_JOB_ROLE: ROLE };
    expect(wantedOf(program, variables)).toEqual({
      queues: { q: ['the stack', 'executor batch'], demand: ['executor tools'] },
      images: { 'tools:1': ['executor tools'], 'runner:1': ['executor tools'], 'a:1': ['task lab.a'] },
      roles: { [ROLE]: ['the stack', 'executor batch'] },
      // Its one task has an image of its own.
      imageless: [],
    });
    const { imageless } = wantedOf({ ...program, tasks: {} }, variables);
    expect(imageless).toEqual(['batch']);
    expect(wantedOf({ ...program, tasks: {} }, { ...variables, REDEX_IMAGE: 'i:1' }).imageless).toEqual([]);
  });
});

describe('names', () => {
  it.each([
    ['tools', undefined, undefined],
    ['lab/tools:1.2-x', '1.2-x', undefined],
    ['localhost:5000/lab/tools', undefined, undefined],
    [`quay.io/lab/tools:1@${DIGEST}`, '1', DIGEST],
  ])('%s is the name of an image', (text, tag, digest) => {
    expect(parseImage(text)).toEqual({ tag, digest, ecr: undefined });
  });

  it('of an image in ECR say where it is', () => {
    expect(parseImage(`123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b@${DIGEST}`)?.ecr).toEqual({
      account: '123456789012',
      region: 'eu-west-1',
      repository: 'a/b',
      imageTag: 'latest',
      imageDigest: DIGEST,
    });
  });

  it.each([
    '',
    'Tools',
    'tools:',
    'tools:a b',
    'tools@sha256:1',
    'https://quay.io/tools',
    'a//b',
    'YOUR_ID.dkr.ecr.x.y/t',
  ])('%j is no name of an image', (text) => expect(parseImage(text)).toBeUndefined());

  it('of roles are read off their ARN', () => {
    expect(parseRole(ROLE)).toEqual({ account: '123456789012', name: 'redex-dev-job' });
    expect(parseRole('arn:aws-cn:iam::123456789012:role/path/to/x')?.name).toBe('x');
    expect(parseRole('redex-dev-job')).toBeUndefined();
  });
});
