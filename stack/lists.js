/**
 * Lists that follow from parameters, for policies, and from the table of routes: what the Serverless Framework asks for as
 * `${file(stack/lists.js):NAME}`. A parameter with several names has them separated by commas.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const names = async (resolveVariable, param) =>
  String(await resolveVariable(`param:${param}, ''`))
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const ownBucket = async (resolveVariable) => (await names(resolveVariable, 'bucket'))[0];

/** An ARN in this account and region. */
const arn = (service, rest) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}` });
const bucketArn = (name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` });

/** The stack's own bucket, and below it what a function may touch there. */
const below = (prefix) => async ({ resolveVariable }) => {
  const bucket = await ownBucket(resolveVariable);
  return bucket === undefined ? { 'Fn::Sub': `\${Bucket.Arn}/${prefix}` } : bucketArn(`${bucket}/${prefix}`);
};

export const storeBucket = async ({ resolveVariable }) => {
  const bucket = await ownBucket(resolveVariable);
  return bucket === undefined ? { 'Fn::GetAtt': ['Bucket', 'Arn'] } : bucketArn(bucket);
};
export const storeObjects = below('*');
export const bundles = below('bundles/*');
export const manifests = below('manifests/*');
export const manifestAnswers = below('manifest-answers/*');

/** What the engine alone writes (`core/engine/objects.ts`), values apart, which are named by their content. */
export const engineObjects = ({ resolveVariable }) =>
  Promise.all(
    ['bundles/*', 'specs/*', 'snapshots/*', 'done/*', 'manifests/*', 'manifest-answers/*'].map((prefix) =>
      below(prefix)({ resolveVariable }),
    ),
  );

/** Buckets of the user's own files, the stack's among them. */
export const dataBuckets = async ({ resolveVariable }) => [
  await storeBucket({ resolveVariable }),
  ...(await names(resolveVariable, 'dataBuckets')).map(bucketArn),
];
export const dataObjects = async ({ resolveVariable }) => [
  await storeObjects({ resolveVariable }),
  ...(await names(resolveVariable, 'dataBuckets')).map((name) => bucketArn(`${name}/*`)),
];

/** Job definitions are named by the stack and their content (`core/aws/batch/job-definitions.ts`). */
export const definitions = async ({ resolveVariable }) =>
  arn('batch', `job-definition/redex-${await resolveVariable('self:custom.name')}-*`);

/** What SubmitJob touches: the queues that jobs may be sent to, the stack's own and those that are named, and definitions. */
export const submission = async ({ resolveVariable }) => {
  const own = await resolveVariable('self:custom.name');
  const named = [...(await names(resolveVariable, 'queue')), ...(await names(resolveVariable, 'queues'))];
  return [
    ...[...new Set([own, `${own}-*`, ...named])].map((name) => arn('batch', `job-queue/${name}`)),
    await definitions({ resolveVariable }),
  ];
};

/** Where machines are: in the subnets that are given, else in those of the stack's own network. */
export const subnets = async ({ resolveVariable }) => {
  const given = await names(resolveVariable, 'subnets');
  return given.length > 0 ? given : [{ Ref: 'SubnetA' }, { Ref: 'SubnetB' }];
};

/** A group is of one network: subnets that come without one have the default group of theirs. */
export const securityGroups = async ({ resolveVariable }) => {
  const given = await names(resolveVariable, 'securityGroups');
  if (given.length > 0) return given;
  return (await names(resolveVariable, 'subnets')).length > 0 ? { Ref: 'AWS::NoValue' } : [{ Ref: 'Machines' }];
};

export const alarmActions = ({ resolveVariable }) => names(resolveVariable, 'alarmTopic');

/** The framework's own Node may be one that takes no TypeScript. */
const readRoutes = () => {
  const words = ['--print', 'JSON.stringify(require("./functions/routes.ts").ROUTES)'];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  return JSON.parse(execFileSync('node_modules/node/bin/node', words, { cwd, encoding: 'utf8' }));
};

/** The events by which HTTP calls each function; nobody does without a signature. */
export const routes = () => {
  const events = {};
  for (const { method, path, function: name } of readRoutes()) {
    events[name] ??= [];
    events[name].push({ httpApi: { method, path, authorizer: { type: 'aws_iam' } } });
  }
  return events;
};
