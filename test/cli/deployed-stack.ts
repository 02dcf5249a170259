/** The packaged template as moto's CloudFormation makes it, with what that leaves out put in by hand. */
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTableCommand,
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { findStack, type Stack } from '../../cli/stack.ts';
import { tableParams } from '../../core/aws/tables.ts';
import { ofType, type Template } from '../stack/template.ts';
import type { Moto } from '../support/moto.ts';

export const NAME = 'redex-dev';
export const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com';
const ANYWHERE = 'https://templates.s3.amazonaws.com/stack.json';

export async function deployStack({ client }: Moto, template: Template): Promise<Stack> {
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'templates' }));
  const Body = JSON.stringify(forMoto(template));
  await s3.send(new PutObjectCommand({ Bucket: 'templates', Key: 'stack.json', Body }));
  const cloudFormation = new CloudFormationClient(client);
  const Capabilities = ['CAPABILITY_NAMED_IAM' as const];
  await cloudFormation.send(new CreateStackCommand({ StackName: NAME, TemplateURL: ANYWHERE, Capabilities }));
  const stack = await findStack(NAME, client);
  await Promise.all([
    completeTables(template, new DynamoDBClient(client)),
    completeBucket(template, s3, stack.bucket),
    makeAlarms(template, new CloudWatchClient(client)),
    sweptAt(new CloudWatchLogsClient(client), Date.now() - 60_000),
  ]);
  return stack;
}

/** moto asks for what AWS has a default for. */
function forMoto(template: Template): Template {
  for (const [, { Properties }] of ofType(template, 'AWS::Batch::ComputeEnvironment')) {
    Properties.ServiceRole = { 'Fn::GetAtt': ['MachineRole', 'Arn'] };
    Properties.State = 'ENABLED';
  }
  return template;
}

/** With the keys that the engine expects, and all that the template says. */
export async function remakeTable(template: Template, dynamo: DynamoDBClient, name: string): Promise<void> {
  const [runs, cache, attempts] = [`${NAME}-runs`, `${NAME}-cache`, `${NAME}-attempts`];
  const params = tableParams({ runs, cache, attempts }).find(({ TableName }) => TableName === name);
  if (params) await dynamo.send(new CreateTableCommand(params));
  await completeTables(template, dynamo);
}

async function completeTables(template: Template, dynamo: DynamoDBClient): Promise<void> {
  for (const [, { Properties }] of ofType(template, 'AWS::DynamoDB::Table')) {
    const { TableName, TimeToLiveSpecification, PointInTimeRecoverySpecification } = Properties;
    await dynamo.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }));
    if (TimeToLiveSpecification) {
      await dynamo.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    }
  }
}

async function completeBucket(template: Template, s3: S3Client, Bucket: string): Promise<void> {
  const { VersioningConfiguration, PublicAccessBlockConfiguration } = template.Resources.Bucket?.Properties ?? {};
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
}

/** Named as CloudFormation names them. */
async function makeAlarms(template: Template, cloudWatch: CloudWatchClient): Promise<void> {
  for (const [logical, { Properties }] of ofType(template, 'AWS::CloudWatch::Alarm')) {
    const { Namespace, MetricName, Period, EvaluationPeriods, Threshold, ComparisonOperator, Statistic } = Properties;
    const AlarmName = `${NAME}-${logical}-1ABCDEF2GHIJ`;
    await cloudWatch.send(
      new PutMetricAlarmCommand({
        AlarmName,
        AlarmDescription: Properties.AlarmDescription,
        Namespace,
        MetricName,
        Period,
        EvaluationPeriods,
        Threshold,
        ComparisonOperator,
        Statistic,
      }),
    );
    await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: 'OK', StateReason: 'as it is' }));
  }
}

/** As if there had never been one. */
export async function forgetSweeps(logs: CloudWatchLogsClient): Promise<void> {
  const logGroupName = `/aws/lambda/${NAME}-sweep`;
  await logs.send(new DeleteLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
}

let streams = 0;

/** What Lambda writes of a call of the sweep, and what that writes itself. */
export async function sweptAt(logs: CloudWatchLogsClient, at: number, said: readonly string[] = []): Promise<void> {
  const logGroupName = `/aws/lambda/${NAME}-sweep`;
  const logStreamName = `2026/01/01/[$LATEST]${streams++}`;
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const lines = ['START RequestId: 1 Version: $LATEST\n', ...said, 'REPORT RequestId: 1\tDuration: 12.34 ms\n'];
  const logEvents = lines.map((message) => ({ timestamp: at, message }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}
