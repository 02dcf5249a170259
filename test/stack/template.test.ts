/** What `npx serverless deploy` would put into an account, looked at before anybody deploys it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';
import { describe, expect, it } from 'vitest';
import { EXPIRES, tableParams } from '../../core/aws/tables.ts';
import { SWEEP_PERIOD_MS } from '../../core/engine/sweep.ts';
import { engineSettings } from '../../core/environment.ts';
import { ROUTES } from '../../functions/routes.ts';
import { matches } from '../support/event-pattern.ts';
import { stateChange } from '../support/lambda-events.ts';
import { project } from '../support/project.ts';
import { ofType, packaged, type Resource } from './template.ts';

const template = packaged();
const { Resources } = template;

const functions = ofType(template, 'AWS::Lambda::Function');
const properties = (name: string) => (Resources[name] as Resource).Properties;

/** Every statement of every policy, with the role or resource that has it. */
interface Statement {
  readonly of: string;
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string[];
  readonly Resource: unknown[];
  readonly Condition?: unknown;
  readonly Principal?: unknown;
}

function statementsOf(of: string, document: { readonly Statement: readonly Record<string, unknown>[] }): Statement[] {
  return document.Statement.map((statement) => ({
    ...(statement as unknown as Statement),
    of,
    Action: [statement.Action].flat() as string[],
    Resource: [statement.Resource].flat(),
  }));
}

const roleStatements = ofType(template, 'AWS::IAM::Role').flatMap(([name, { Properties }]) =>
  (Properties.Policies ?? []).flatMap((policy: { PolicyDocument: { Statement: Record<string, unknown>[] } }) =>
    statementsOf(name, policy.PolicyDocument),
  ),
) as Statement[];

describe('the functions', () => {
  it('run on Node 24 and arm64, each with a role, a memory, a time and a log of its own', () => {
    expect(functions.length).toBeGreaterThan(6);
    const roles = new Set<string>();
    for (const [name, { Properties }] of functions) {
      expect([name, Properties.Runtime, Properties.Architectures]).toEqual([name, 'nodejs24.x', ['arm64']]);
      expect(Properties.MemorySize).toBeGreaterThanOrEqual(512);
      expect(Properties.Timeout).toBeGreaterThanOrEqual(10);
      roles.add(Properties.Role['Fn::GetAtt'][0]);
      const log = ofType(template, 'AWS::Logs::LogGroup').find(
        ([, group]) => group.Properties.LogGroupName === `/aws/lambda/${Properties.FunctionName}`,
      );
      expect(log?.[1].Properties.RetentionInDays).toBeGreaterThan(0);
    }
    expect(roles.size).toBe(functions.length);
  });

  it('find every variable that they require', () => {
    for (const [, { Properties }] of functions) {
      const { Variables } = Properties.Environment;
      const variables = Object.fromEntries(
        Object.entries(Variables).map(([name, value]) => [name, typeof value === 'string' ? value : 'of-the-stack']),
      );
      expect(engineSettings(variables as Record<string, string>)).toMatchObject({
        stack: 'redex-dev',
        tables: { runs: 'redex-dev-runs', cache: 'redex-dev-cache', attempts: 'redex-dev-attempts' },
        store: { kind: 's3', bucket: 'of-the-stack', prefix: '' },
        queue: 'redex-dev',
        local: false,
      });
    }
  });

  it('that a person waits for answer before API Gateway gives up', () => {
    for (const [, { Properties }] of ofType(template, 'AWS::ApiGatewayV2::Integration')) {
      const name = Properties.IntegrationUri['Fn::GetAtt'][0] as string;
      expect([name, properties(name).Timeout]).toEqual([name, expect.toSatisfy((seconds: number) => seconds < 30)]);
    }
  });
});

describe('the template', () => {
  it('breaks no rule of CloudFormation, as AWS checks it', async () => {
    const file = join(await project({}), 'template.json');
    writeFileSync(file, JSON.stringify(template));
    const engine = new RegoEngine();
    const { diagnostics } = engine.validateStandard(new TemplateFile(file));
    engine.free();
    expect(diagnostics.length).toBeGreaterThan(0);
    const isWrong = ({ severity, ruleId }: { severity: string; ruleId: string }) =>
      severity === 'ERROR' || severity === 'FATAL' || ruleId === 'W3030';
    expect(diagnostics.filter(isWrong)).toEqual([]);
  });
});

describe('nobody gets in who should not', () => {
  it('by the HTTP API: every route asks for a signature', () => {
    const routes = ofType(template, 'AWS::ApiGatewayV2::Route');
    expect(routes.length).toBeGreaterThan(3);
    for (const [, { Properties }] of routes) expect(Properties.AuthorizationType).toBe('AWS_IAM');
  });

  it('by the HTTP API: its routes are those of the table, each to its function', () => {
    const routes = ofType(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
      const integration = Properties.Target['Fn::Join'][1][1].Ref as string;
      const { IntegrationUri } = (Resources[integration] as Resource).Properties;
      return `${Properties.RouteKey} ${properties(IntegrationUri['Fn::GetAtt'][0]).FunctionName}`;
    });
    const expected = ROUTES.map(({ method, path, function: name }) => `${method} ${path} redex-dev-${name}`);
    expect(routes.sort()).toEqual(expected.sort());
  });

  it('by a bucket: all are private and encrypted, and ours takes no request in the clear', () => {
    for (const [, { Properties }] of ofType(template, 'AWS::S3::Bucket')) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
      expect(Properties.BucketEncryption).toBeDefined();
    }
    for (const name of ['BucketPolicy', 'EventsPolicy', 'UndeliveredPolicy']) {
      expect(properties(name).PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
    }
  });

  it('by a queue: only the rules of the stack send to it', () => {
    for (const [name, { Properties }] of ofType(template, 'AWS::SQS::QueuePolicy')) {
      for (const statement of statementsOf(name, Properties.PolicyDocument)) {
        if (statement.Effect !== 'Allow') continue;
        expect(statement).toMatchObject({
          Principal: { Service: 'events.amazonaws.com' },
          Action: ['sqs:SendMessage'],
          Condition: { ArnEquals: { 'aws:SourceArn': expect.any(Array) } },
        });
      }
    }
    for (const [, { Properties }] of ofType(template, 'AWS::SQS::Queue')) {
      expect(Properties.SqsManagedSseEnabled).toBe(true);
    }
  });

  it('by a machine: its credentials are out of the reach of containers', () => {
    expect(properties('MachineTemplate').LaunchTemplateData.MetadataOptions).toEqual({
      HttpTokens: 'required',
      HttpPutResponseHopLimit: 1,
    });
  });
});

describe('the roles', () => {
  it('name actions and resources, but for what AWS binds to none', () => {
    expect(roleStatements.length).toBeGreaterThan(20);
    for (const { of, Sid, Action, Resource, Effect } of roleStatements) {
      expect([of, Sid, Action.filter((action) => action.includes('*'))]).toEqual([of, Sid, []]);
      if (!Resource.includes('*')) continue;
      // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
      const unbound = ['batch:DescribeJobs', 'batch:ListJobs', 'batch:DescribeJobDefinitions'];
      expect([Effect, ...Action.filter((action) => !unbound.includes(action))]).toEqual(['Allow']);
    }
  });

  it('pass on only roles of the stack, and only to containers', () => {
    for (const { Action, Resource, Condition } of roleStatements) {
      if (!Action.includes('iam:PassRole')) continue;
      expect(JSON.stringify(Resource)).toContain(':role/redex-dev-*');
      expect(Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
    }
  });

  it('of functions and of jobs write no bundle: who does holds the role of whoever loads it', () => {
    const writers = roleStatements.filter(
      ({ Effect, Action }) => Effect === 'Allow' && Action.includes('s3:PutObject'),
    );
    for (const { of } of writers) {
      const denied = roleStatements.find(
        ({ of: other, Effect, Action, Resource }) =>
          other === of &&
          Effect === 'Deny' &&
          Action.includes('s3:PutObject') &&
          JSON.stringify(Resource).includes('/bundles/*'),
      );
      expect([of, denied !== undefined]).toEqual([of, true]);
    }
    expect(new Set(writers.map(({ of }) => of)).size).toBeGreaterThan(5);
  });
});

describe('what is kept', () => {
  it('has the tables that the code uses, with backups, and expiry on the attribute that it writes', () => {
    const tables = ofType(template, 'AWS::DynamoDB::Table').map(([, { Properties }]) => Properties);
    const names = { runs: 'redex-dev-runs', cache: 'redex-dev-cache', attempts: 'redex-dev-attempts' };
    for (const wanted of tableParams(names)) {
      const found = tables.find(({ TableName }) => TableName === wanted.TableName);
      expect(found).toMatchObject({
        ...wanted,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
      expect(found.TimeToLiveSpecification).toEqual(
        wanted.TableName === names.runs ? undefined : { AttributeName: EXPIRES, Enabled: true },
      );
    }
    expect(tables).toHaveLength(3);
  });

  it('outlives the stack', () => {
    for (const type of ['AWS::DynamoDB::Table', 'AWS::ECR::Repository'])
      for (const [, { DeletionPolicy }] of ofType(template, type)) expect(DeletionPolicy).toBe('Retain');
    expect(Resources.Bucket?.DeletionPolicy).toBe('Retain');
  });

  it('expires in the bucket only where it may be lost', () => {
    const rules = properties('Bucket').LifecycleConfiguration.Rules as Record<string, unknown>[];
    const expiring = rules.filter((rule) => 'ExpirationInDays' in rule).map(({ Prefix }) => Prefix);
    expect(expiring).toEqual(['scratch/', 'snapshots/']);
    expect(rules.filter((rule) => !('Prefix' in rule)).map(({ Id }) => Id)).toEqual(['replaced', 'abandoned']);
  });
});

describe('events', () => {
  const rule = (name: string) => properties(name).EventPattern as Record<string, unknown>;
  const captured = (name: string): Record<string, unknown> =>
    JSON.parse(readFileSync(new URL(`../../../shared/data/events/${name}.json`, import.meta.url), 'utf8'));
  const ours = { id: 'j', name: 'redex_redex-dev_run1_s-1' };

  it('of our jobs come to the queue when they end, or wait for a reason', () => {
    const isDelivered = (event: unknown) => matches(rule('JobsRule'), event);
    for (const status of ['SUCCEEDED', 'FAILED'] as const)
      expect(isDelivered(stateChange({ ...ours, status }))).toBe(true);
    for (const status of ['SUBMITTED', 'PENDING', 'STARTING', 'RUNNING'] as const) {
      expect(isDelivered(stateChange({ ...ours, status }))).toBe(false);
    }
    const waiting = { ...ours, status: 'RUNNABLE' } as const;
    const said = (reason?: string) =>
      JSON.parse(JSON.stringify(stateChange({ ...waiting, ...(reason && { statusReason: reason }) })));
    expect(isDelivered(said('MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large'))).toBe(true);
    expect(isDelivered(said())).toBe(false);
  });

  it('of other jobs of a shared queue do not', () => {
    for (const name of ['redex_redex-prod_run1_s-1', 'redex_redex-dev2_run1_s-1', 'nightly']) {
      expect(matches(rule('JobsRule'), stateChange({ id: 'j', name, status: 'FAILED' }))).toBe(false);
    }
    for (const name of ['batch-single-succeeded', 'batch-single-failed-exit1', 'batch-array-child-succeeded']) {
      const event = captured(name);
      expect(matches(rule('JobsRule'), event)).toBe(false);
      const { detail } = event as { detail: object };
      expect(matches(rule('JobsRule'), { ...event, detail: { ...detail, jobName: ours.name } })).toBe(true);
    }
  });

  it('of a blocked queue come where our job is at its head', () => {
    const blocked = (jobName: string) => ({
      source: 'aws.batch',
      'detail-type': 'Batch Job Queue Blocked',
      detail: { jobName, status: 'RUNNABLE' },
    });
    expect(matches(rule('BlockedRule'), blocked(ours.name))).toBe(true);
    expect(matches(rule('BlockedRule'), blocked('nightly'))).toBe(false);
  });

  it('of manifests come for what is put below manifests/ of our bucket, and for no answer', () => {
    const pattern = structuredClone(rule('ManifestRule')) as { detail: { bucket: unknown } };
    pattern.detail.bucket = { name: ['example-bucket'] };
    const event = captured('s3-eventbridge-object-created') as { detail: { object: object } };
    const put = (key: string) => ({ ...event, detail: { ...event.detail, object: { ...event.detail.object, key } } });
    expect(matches(pattern as never, put('manifests/m.sum/x.json'))).toBe(true);
    for (const key of ['manifest-answers/m.sum/x.json/1.json', 'values/1', 'IMG_m7fzo3.jpg']) {
      expect(matches(pattern as never, put(key))).toBe(false);
    }
  });

  it('that cannot be delivered are kept, and every target and queue has where to', () => {
    for (const [name, { Properties }] of ofType(template, 'AWS::Events::Rule')) {
      for (const target of Properties.Targets)
        expect([name, target.DeadLetterConfig]).toEqual([name, expect.anything()]);
    }
    expect(properties('Events').RedrivePolicy.maxReceiveCount).toBeGreaterThanOrEqual(10);
  });

  it('have times that fit together', () => {
    const advance = properties('AdvanceLambdaFunction');
    expect(advance.Timeout).toBeGreaterThanOrEqual(120);
    expect(properties('Events').VisibilityTimeout).toBe(6 * advance.Timeout);
    expect(properties('SweepRule').ScheduleExpression).toBe(`rate(${SWEEP_PERIOD_MS / 60_000} minutes)`);
    const [, mapping] = ofType(template, 'AWS::Lambda::EventSourceMapping')[0] as [string, Resource];
    expect(mapping.Properties).toMatchObject({ FunctionResponseTypes: ['ReportBatchItemFailures'] });
    // Lambda waits for a batch of more than 10 only where it is told how long.
    expect(mapping.Properties.MaximumBatchingWindowInSeconds).toBeGreaterThanOrEqual(1);
    expect(advance.RecursiveLoop).toBe('Allow');
  });

  it('are watched: dead letters, age, and errors of every function', () => {
    const watched = ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
    const named = (name: string) => watched.filter(({ MetricName }) => MetricName === name);
    expect(named('ApproximateNumberOfMessagesVisible')).toHaveLength(2);
    expect(named('ApproximateAgeOfOldestMessage')).toHaveLength(1);
    expect(
      named('Errors')
        .map(({ Dimensions }) => Dimensions[0].Value.Ref)
        .sort(),
    ).toEqual(functions.map(([name]) => name).sort());
  });
});

describe('with what an account has already', () => {
  const theirs = packaged({
    bucket: 'lab-data',
    queue: 'lab-queue',
    queues: 'lab-gpu, lab-long',
    subnets: 'subnet-1,subnet-2',
    securityGroups: 'sg-1',
    dataBuckets: 'reads-*',
    alarmTopic: 'arn:aws:sns:us-east-1:123456789012:ops',
    gpu: 'true',
  });

  it('makes no bucket, queue or network of its own', () => {
    expect(theirs.Conditions).toMatchObject({
      OwnBucket: { 'Fn::Equals': ['lab-data', ''] },
      OwnQueue: { 'Fn::Equals': ['lab-queue', ''] },
      OwnNetwork: { 'Fn::Equals': ['subnet-1,subnet-2', ''] },
      Gpu: { 'Fn::Equals': ['true', 'true'] },
      Fargate: { 'Fn::Equals': ['', 'true'] },
    });
    const start = theirs.Resources.StartLambdaFunction as Resource;
    expect(start.Properties.Environment.Variables).toMatchObject({
      REDEX_BUCKET: 'lab-data',
      REDEX_QUEUE: 'lab-queue',
    });
  });

  it('grants what is named', () => {
    const text = JSON.stringify(theirs.Resources.AdvanceRole);
    for (const part of [
      's3:::lab-data/*',
      's3:::reads-*/*',
      'job-queue/lab-queue',
      'job-queue/lab-gpu',
      'job-queue/lab-long',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('Bucket.Arn');
  });
});
