/** Looks at what moves a stack: its queues, rules and alarms, its functions, and what the sweep has left in its log. */
import { type CloudWatchClient, GetMetricStatisticsCommand, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { type CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeRuleCommand, type EventBridgeClient, ListRuleNamesByTargetCommand } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { Observation } from './checks.ts';
import { look, orNone } from './stack-asking.ts';
import {
  type Alarm,
  type FunctionFacts,
  type QueueFacts,
  type Rule,
  SWEEP_SEEN_MS,
  type SweepLog,
} from './stack-facts.ts';

const NONE = 'ResourceNotFoundException';

/** SQS keeps both as text. */
const Redrive = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ deadLetterTargetArn: v.string(), maxReceiveCount: v.pipe(v.unknown(), v.transform(Number)) }),
);

export function lookAtQueue(client: SQSClient, QueueName: string): Promise<Observation<QueueFacts | undefined>> {
  return look('sqs:GetQueueUrl and sqs:GetQueueAttributes', async (within) => {
    const asked = client.send(new GetQueueUrlCommand({ QueueName }), within);
    const found = await orNone(asked, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue');
    if (!found) return undefined;
    const { QueueUrl } = found;
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      within,
    );
    const redrive = v.safeParse(Redrive, Attributes.RedrivePolicy);
    const { deadLetterTargetArn, maxReceiveCount } = redrive.success ? redrive.output : {};
    return {
      messages:
        Number(Attributes.ApproximateNumberOfMessages ?? 0) +
        Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      redrive:
        deadLetterTargetArn === undefined
          ? undefined
          : { to: deadLetterTargetArn.split(':').at(-1) ?? '', after: maxReceiveCount ?? 0 },
    };
  });
}

const AGE_PERIOD_SECONDS = 300;

/** The newest that CloudWatch knows; SQS itself does not say. undefined: nothing waited. */
export function lookAtOldest(
  client: CloudWatchClient,
  queue: string,
  now: number,
): Promise<Observation<number | undefined>> {
  return look('cloudwatch:GetMetricStatistics', async (within) => {
    const { Datapoints = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateAgeOfOldestMessage',
        Dimensions: [{ Name: 'QueueName', Value: queue }],
        StartTime: new Date(now - 2 * AGE_PERIOD_SECONDS * 1000),
        EndTime: new Date(now),
        Period: AGE_PERIOD_SECONDS,
        Statistics: ['Maximum'],
      }),
      within,
    );
    const byTime = Datapoints.sort((a, b) => Number(a.Timestamp) - Number(b.Timestamp));
    return byTime.at(-1)?.Maximum;
  });
}

/** Those of the stack alone, also where another's name begins with the same words. */
export function lookAtAlarms(client: CloudWatchClient, stack: string): Promise<Observation<readonly Alarm[]>> {
  const own = new RegExp(`^${stack}-[A-Za-z]+Alarm-`);
  return look('cloudwatch:DescribeAlarms', async (within) => {
    const alarms: Alarm[] = [];
    const pages = paginateDescribeAlarms({ client }, { AlarmNamePrefix: `${stack}-` }, within);
    for await (const { MetricAlarms = [] } of pages) {
      for (const { AlarmName: name = '', StateValue: state = '', AlarmDescription: description = '' } of MetricAlarms) {
        if (own.test(name)) alarms.push({ name, state, description });
      }
    }
    return alarms;
  });
}

/** By what they lead to: CloudFormation chose their names. */
export function lookAtRules(client: EventBridgeClient, TargetArn: string): Promise<Observation<readonly Rule[]>> {
  return look('events:ListRuleNamesByTarget and events:DescribeRule', async (within) => {
    const { RuleNames = [] } = await client.send(new ListRuleNamesByTargetCommand({ TargetArn }), within);
    return await Promise.all(
      RuleNames.map(async (name): Promise<Rule> => {
        const found = await client.send(new DescribeRuleCommand({ Name: name }), within);
        return {
          name,
          isEnabled: found.State === 'ENABLED',
          schedule: found.ScheduleExpression || undefined,
          pattern: found.EventPattern ? JSON.parse(found.EventPattern) : undefined,
        };
      }),
    );
  });
}

/** What leads from a queue to a function, by its ARN. */
export function lookAtMappings(
  client: LambdaClient,
  functionArn: string,
  EventSourceArn: string,
): Promise<Observation<readonly string[]>> {
  return look('lambda:ListEventSourceMappings', async (within) => {
    const { EventSourceMappings = [] } = await client.send(
      new ListEventSourceMappingsCommand({ EventSourceArn }),
      within,
    );
    return EventSourceMappings.filter(({ FunctionArn }) => FunctionArn === functionArn).map(({ State = '' }) => State);
  });
}

export function lookAtFunction(
  client: LambdaClient,
  FunctionName: string,
): Promise<Observation<FunctionFacts | undefined>> {
  return look('lambda:GetFunctionConfiguration and lambda:GetFunctionConcurrency', async (within) => {
    const asked = client.send(new GetFunctionConfigurationCommand({ FunctionName }), within);
    const found = await orNone(asked, NONE);
    if (!found) return undefined;
    const reserved = await client.send(new GetFunctionConcurrencyCommand({ FunctionName }), within);
    const { Runtime = '', State = '', LastUpdateStatus = '', Environment } = found;
    return {
      runtime: Runtime,
      state: State,
      lastUpdate: LastUpdateStatus,
      reserved: reserved.ReservedConcurrentExecutions,
      variables: Environment?.Variables ?? {},
    };
  });
}

/** What handler and Lambda write when a call comes to nothing: functions/sweep.ts, and Lambda's own words. */
const FAILED =
  /"message":"the sweep failed"|Task timed out after|^REPORT .*Status: (timeout|error)|Runtime\.(ExitError|ImportModuleError)/;
const PAGES_MAX = 20;

export function lookAtSweepLog(
  client: CloudWatchLogsClient,
  stack: string,
  now: number,
): Promise<Observation<SweepLog | undefined>> {
  const asked = { logGroupName: `/aws/lambda/${stack}-sweep`, startTime: now - SWEEP_SEEN_MS };
  return look('logs:FilterLogEvents', (within) =>
    orNone(
      (async () => {
        const log: { newest: number | undefined; hasFailed: boolean } = { newest: undefined, hasFailed: false };
        let pages = 0;
        for await (const { events = [] } of paginateFilterLogEvents({ client }, asked, within)) {
          for (const { timestamp = 0, message = '' } of events) {
            log.newest = Math.max(log.newest ?? 0, timestamp);
            log.hasFailed ||= FAILED.test(message);
          }
          pages += 1;
          if (pages >= PAGES_MAX) break;
        }
        return log;
      })(),
      NONE,
    ),
  );
}
