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
export function grantsOf(template: Template): { readonly who: string; readonly action: string }[] {
  const names = Object.keys(template.Resources).flatMap((name) => /^(.*)LambdaFunction$/.exec(name)?.[1] ?? []);
  return [...names.map((name) => name.toLowerCase()), 'job'].flatMap((who) => {
    const allowed = statementsOf(template, who).filter(({ Effect }) => Effect === 'Allow');
    return [...new Set(allowed.flatMap(({ Action }) => Action))].map((action) => ({ who, action: String(action) }));
  });
}
