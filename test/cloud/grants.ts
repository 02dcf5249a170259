/** What the roles of the template grant, as IAM reads them. */
import type { Template } from '../stack/template.ts';
import type { Need } from './gate.ts';

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': '123456789012',
};

/** The ARN pattern that a value of CloudFormation comes to. */
function arnOf(template: Template, value: unknown): string {
  if (typeof value === 'string') return value;
  const [[kind, operand] = ['', undefined]] = Object.entries(value as object);
  if (kind === 'Fn::Sub') {
    return String(operand).replace(/\$\{([^}]+)\}/g, (_, name: string) =>
      name.endsWith('.Arn') ? arnOfResource(template, name.slice(0, -'.Arn'.length)) : (PSEUDO[name] ?? name),
    );
  }
  if (kind === 'Fn::GetAtt') return arnOfResource(template, (operand as [string])[0]);
  throw new Error(`no ARN that is understood: ${JSON.stringify(value)}`);
}

function arnOfResource({ Resources }: Template, name: string): string {
  const { Type = '', Properties = {} } = Resources[name] ?? {};
  const at = (service: string, rest: string) => `arn:aws:${service}:us-east-1:123456789012:${rest}`;
  if (Type === 'AWS::DynamoDB::Table') return at('dynamodb', `table/${Properties.TableName}`);
  if (Type === 'AWS::SQS::Queue') return at('sqs', Properties.QueueName);
  if (Type === 'AWS::Logs::LogGroup') return at('logs', `log-group:${Properties.LogGroupName}:*`);
  throw new Error(`no ARN of ${name} (${Type}) is known`);
}

function statementsOf({ Resources }: Template, who: string): Statement[] {
  const name = `${who[0]?.toUpperCase()}${who.slice(1)}Role`;
  const policies = (Resources[name]?.Properties.Policies ?? []) as { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

function applies(
  template: Template,
  { Action, Resource }: Statement,
  { action, resource }: Omit<Need, 'who'>,
): boolean {
  if (![Action].flat().includes(action)) return false;
  return [Resource].flat().some((one) => isLike(arnOf(template, one), resource));
}

function isLike(pattern: string, text: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(text);
}

/** Whether the role of whoever asks allows it, and denies it nowhere. */
export function isGranted(template: Template, need: Need): boolean {
  const statements = statementsOf(template, need.who).filter((one) => applies(template, one, need));
  return statements.some(({ Effect }) => Effect === 'Allow') && !statements.some(({ Effect }) => Effect === 'Deny');
}

/** Every action that a role of a function or of jobs allows. */
function grantsOf(template: Template): { readonly who: string; readonly action: string }[] {
  const names = Object.keys(template.Resources).flatMap((name) => /^(.*)LambdaFunction$/.exec(name)?.[1] ?? []);
  return [...names.map((name) => name.toLowerCase()), 'job'].flatMap((who) => {
    const allowed = statementsOf(template, who).filter(({ Effect }) => Effect === 'Allow');
    return [...new Set(allowed.flatMap(({ Action }) => Action))].map((action) => ({ who, action: String(action) }));
  });
}

/** Functions that the command line alone asks in these tests (`command.tools.ts`). */
export const COMMAND_LINE: readonly string[] = ['wait', 'result', 'waiting', 'logs', 'plan'];

/** What is granted and was not asked for, but what is said to be for something else. */
export function unusedGrants(template: Template, needs: readonly Need[]): ReturnType<typeof grantsOf> {
  return grantsOf(template).filter(({ who, action }) => {
    const used = needs.some((need) => kindOf(need.who) === kindOf(who) && need.action === action);
    return !used && !(action in EXPLAINED) && !(`${kindOf(who)}: ${action}` in EXPLAINED);
  });
}

/** Of one kind, what one has to do another may have to. */
const KINDS: Readonly<Record<string, string>> = {
  advance: 'rounds',
  sweep: 'rounds',
  start: 'beginning',
  manifest: 'beginning',
};

function kindOf(who: string): string {
  return KINDS[who] ?? who;
}

/** What these runs need not give anybody a reason to ask for, and who has one. */
const EXPLAINED: Readonly<Record<string, string>> = {
  'logs:CreateLogStream': 'Lambda, on the function’s behalf',
  'logs:PutLogEvents': 'Lambda, on the function’s behalf',
  'sqs:ReceiveMessage': 'Lambda, on the function’s behalf',
  'sqs:DeleteMessage': 'Lambda, on the function’s behalf',
  'sqs:GetQueueAttributes': 'Lambda, on the function’s behalf',
  'sqs:ChangeMessageVisibility': 'advance, where a round fails',
  'rounds: dynamodb:UpdateItem': 'moving an expiry that is a day old',
  'rounds: sqs:SendMessage': 'a run for which a round had no time left',
  'beginning: dynamodb:Query': 'two requests for one run that come at once',
  'beginning: s3:PutObject': 'arguments that are too large for an item',
  'beginning: s3:ListBucket': 'a bundle that is not there',
  'cancel: s3:GetObject': 'a summary that is too large for an item',
  'cancel: s3:PutObject': 'an entry that is too large for an item',
  'cancel: s3:ListBucket': 'an object that is not there, which is told from one that is refused',
  'retry: dynamodb:Query': 'a summary that was damaged and is written anew',
  'retry: s3:GetObject': 'a summary that is too large for an item',
  'retry: s3:PutObject': 'a summary that is too large for an item',
  'retry: s3:ListBucket': 'an object that is not there, which is told from one that is refused',
  'retry: events:PutEvents': 'a summary that was damaged and is written anew',
  's3:GetObjectTagging': 'copies of objects that have tags',
  's3:PutObjectTagging': 'copies of objects that have tags',
  's3:DeleteObject': 'a directory that is written anew',
  's3:AbortMultipartUpload': 'a large file that cannot be written',
  'batch:TagResource': 'executors with tags',
  'runs: s3:GetObject': 'a summary that is too large for an item',
  'jobs: s3:GetObject': 'an entry that is too large for an item',
  'logs: s3:GetObject': 'an entry that is too large for an item',
  'wait: s3:GetObject': 'a summary that is too large for an item',
  'waiting: s3:GetObject': 'a snapshot, and a summary that is too large for an item',
  'result: s3:GetObject': 'a value that is too large for an item',
  'plan: s3:ListBucket': 'a file that is not there, which is told from one that is refused',
  'logs: batch:DescribeJobs': 'the log of a job that runs',
  'jobhistory: s3:GetObject': 'an entry that is too large for an item',
  'status: s3:GetObject': 'a result that is too large for an item',
  'job: s3:ListBucket': 'a file that is not there, which is told from one that is refused',
  'batch:ListJobs': 'a submission whose answer did not come',
};
