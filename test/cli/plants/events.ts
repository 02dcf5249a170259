/** Mistakes with what moves a stack. */
import { PutMetricDataCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  DeleteFunctionConcurrencyCommand,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { forgetSweeps, NAME, sweptAt } from '../deployed-stack.ts';
import type { Clients, Plant, Planted } from './site.ts';

async function queueUrl({ sqs }: Clients, QueueName: string): Promise<string | undefined> {
  return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
}

async function ruleOf({ events }: Clients, logical: string): Promise<string | undefined> {
  const { Rules = [] } = await events.send(new ListRulesCommand({ NamePrefix: `${NAME}-${logical}` }));
  return Rules[0]?.Name;
}

export const deadLetter =
  (suffix: string): Plant =>
  async ({ aws }) => {
    const QueueUrl = await queueUrl(aws, NAME + suffix);
    await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
    return async () => {
      const { Messages = [] } = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      for (const { ReceiptHandle } of Messages) {
        await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    };
  };
const disabledRule =
  (logical: string): Plant =>
  async ({ aws }) => {
    const Name = await ruleOf(aws, logical);
    await aws.events.send(new DisableRuleCommand({ Name }));
    return () => aws.events.send(new EnableRuleCommand({ Name }));
  };

export const EVENTS: readonly Planted[] = [
  [
    'a function on an old Node',
    'functions',
    /^redex-dev-status runs on nodejs20\.x, and redex needs nodejs24\.x$/,
    /serverless deploy/,
    async ({ aws }) => {
      const FunctionName = `${NAME}-status`;
      const set = (Runtime: 'nodejs20.x' | 'nodejs24.x') =>
        aws.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Runtime }));
      await set('nodejs20.x');
      return () => set('nodejs24.x');
    },
  ],
  [
    'a function that is switched off',
    'functions',
    /^redex-dev-advance may run 0 times at once/,
    /delete-function-concurrency --function-name redex-dev-advance/,
    async ({ aws }) => {
      const FunctionName = `${NAME}-advance`;
      await aws.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
      return () => aws.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
    },
  ],
  [
    'a queue that gives nothing up',
    'queue of events',
    /leads to no redex-dev-events-dead$/,
    /serverless deploy/,
    async ({ aws }) => {
      const QueueUrl = await queueUrl(aws, `${NAME}-events`);
      const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] });
      const { RedrivePolicy = '' } = (await aws.sqs.send(asked)).Attributes ?? {};
      const set = (policy: string) =>
        aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy: policy } }));
      await set('');
      return () => set(RedrivePolicy);
    },
  ],
  [
    'an event that could not be handled',
    'dead letters',
    /^redex-dev-events-dead has 1 message: events that could not be handled$/,
    /aws logs tail .*redex-dev-advance.*start-message-move-task/,
    deadLetter('-events-dead'),
  ],
  [
    'an event that could not be delivered',
    'dead letters',
    /^redex-dev-undelivered has 1 message: /,
    /redex-dev-manifest/,
    deadLetter('-undelivered'),
  ],
  [
    'an event that has waited for an hour',
    'oldest event',
    /^an event has waited for 60 minutes$/,
    /throttled or failing/,
    async ({ aws }) => {
      const put = (Value: number, agoMs: number) =>
        aws.cloudWatch.send(
          new PutMetricDataCommand({
            Namespace: 'AWS/SQS',
            MetricData: [
              {
                MetricName: 'ApproximateAgeOfOldestMessage',
                Dimensions: [{ Name: 'QueueName', Value: `${NAME}-events` }],
                Timestamp: new Date(Date.now() - agoMs),
                Value,
              },
            ],
          }),
        );
      await put(3600, 8 * 60_000);
      return () => put(0, 1000);
    },
  ],
  [
    'a queue that nobody takes from',
    'delivery',
    /is Disabled: runs stand still$/,
    /update-event-source-mapping/,
    async ({ aws }) => {
      const { EventSourceMappings = [] } = await aws.lambda.send(new ListEventSourceMappingsCommand({}));
      const UUID = EventSourceMappings[0]?.UUID;
      const set = (Enabled: boolean) => aws.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
      await set(false);
      return () => set(true);
    },
  ],
  [
    'a rule for jobs that is disabled',
    'rules',
    /^the rule redex-dev-JobsRule-\w+, which leads the end of this stack's jobs to the queue of events, is disabled$/,
    /^aws events enable-rule --name redex-dev-JobsRule/,
    disabledRule('JobsRule'),
  ],
  [
    'a clock that calls no sweep',
    'rules',
    /which calls redex-dev-sweep by the clock, is disabled$/,
    /enable-rule --name redex-dev-SweepRule/,
    disabledRule('SweepRule'),
  ],
  [
    'a rule that leads nowhere',
    'rules',
    /^no rule leads manifests to redex-dev-manifest$/,
    /serverless deploy/,
    async ({ aws }) => {
      const Rule = await ruleOf(aws, 'ManifestRule');
      const { Targets } = await aws.events.send(new ListTargetsByRuleCommand({ Rule }));
      await aws.events.send(new RemoveTargetsCommand({ Rule, Ids: ['manifest'] }));
      return () => aws.events.send(new PutTargetsCommand({ Rule, Targets }));
    },
  ],
  [
    'a sweep that does not come any more',
    'sweep',
    /has written nothing to \/aws\/lambda\/redex-dev-sweep for 15 minutes$/,
    /aws lambda invoke --function-name redex-dev-sweep/,
    async ({ aws }) => {
      await forgetSweeps(aws.logs);
      await sweptAt(aws.logs, Date.now() - 16 * 60_000);
      return () => sweptAt(aws.logs, Date.now());
    },
  ],
  [
    'a sweep that fails',
    'sweep',
    /^the sweep has failed within 15 minutes$/,
    /aws logs tail/,
    async ({ aws }) => {
      await sweptAt(aws.logs, Date.now(), ['{"message":"the sweep failed","error":"password=hunter2"}\n']);
      return async () => {
        await forgetSweeps(aws.logs);
        await sweptAt(aws.logs, Date.now());
      };
    },
  ],
  [
    'an alarm',
    'alarms',
    /^redex-dev-EventsAgeAlarm-\w+ is on$/,
    /Are calls of advance throttled/,
    async ({ aws }) => {
      const AlarmName = `${NAME}-EventsAgeAlarm-1ABCDEF2GHIJ`;
      const set = (StateValue: 'ALARM' | 'OK') =>
        aws.cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'planted' }));
      await set('ALARM');
      return () => set('OK');
    },
  ],
];
