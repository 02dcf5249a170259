/** Looks at a deployed stack, from outside of it and by the user's own credentials. Nothing is changed. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { findStack, type Stack, StackUnavailable } from '../stack.ts';
import type { Seen } from './checks.ts';
import { askingSettings, type Clients, clientsFor, look, lookAtEach } from './stack-asking.ts';
import {
  lookAtAlarms,
  lookAtFunction,
  lookAtMappings,
  lookAtOldest,
  lookAtQueue,
  lookAtRules,
  lookAtSweepLog,
} from './stack-events.ts';
import { FUNCTIONS, type FunctionFacts, type Parts, QUEUES, type StackFacts, TABLES, wantedOf } from './stack-facts.ts';
import { lookAtImage, lookAtJobQueue, lookAtRole } from './stack-jobs.ts';
import { lookAtBucket, lookAtCode, lookAtTable } from './stack-storage.ts';

/** `redex`: version of the redex that looks. */
export async function lookAtStack(name: string, redex: string): Promise<StackFacts> {
  const stack = await findStack(name).catch((error: unknown) => {
    if (error instanceof StackUnavailable) return error;
    throw error;
  });
  const { caller, skewMs } = await lookAtCaller();
  const place = placeOf(stack, caller);
  const now = Date.now() + ('found' in skewMs ? skewMs.found : 0);
  return {
    name,
    redex,
    caller: 'found' in caller ? { found: caller.found.arn } : caller,
    skewMs,
    stack,
    parts: place && (await lookAtParts(name, stack instanceof StackUnavailable ? undefined : stack, place, now)),
  };
}

interface Caller {
  readonly arn: string;
  readonly account: string;
  readonly region: string;
}

/** Who asks, and how far AWS's clock is from ours: every answer has the time at which it was given. */
async function lookAtCaller(): Promise<{ caller: Seen<Caller>; skewMs: Seen<number> }> {
  const client = new STSClient(askingSettings());
  let skewMs: Seen<number> = { unseen: 'AWS does not answer' };
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = Date.now();
      const result = await next(args);
      const { date } = (result.response as { readonly headers: Readonly<Record<string, string>> }).headers;
      if (date) skewMs = { found: Date.parse(date) - (sentAt + Date.now()) / 2 };
      return result;
    },
    // Next to the wire, where refusals are answers still.
    { step: 'deserialize', priority: 'low' },
  );
  const caller = await look('sts:GetCallerIdentity', async (within) => {
    const { Arn: arn = '', Account: account = '' } = await client.send(new GetCallerIdentityCommand({}), within);
    return { arn, account, region: await client.config.region() };
  });
  client.destroy();
  return { caller, skewMs };
}

interface Place {
  readonly region: string;
  readonly account: string;
}

/** Who may not ask CloudFormation may see the rest all the same; else there is nothing, or nobody, to ask. */
function placeOf(stack: Stack | StackUnavailable, caller: Seen<Caller>): Place | undefined {
  if (!(stack instanceof StackUnavailable)) return stack;
  return stack.trouble === 'denied' && 'found' in caller ? caller.found : undefined;
}

async function lookAtParts(name: string, stack: Stack | undefined, place: Place, now: number): Promise<Parts> {
  const clients = clientsFor(place.region);
  const { dynamo, sqs, cloudWatch, events, lambda, logs } = clients;
  const arn = (service: string, rest: string) =>
    `arn:${partitionOf(place)}:${service}:${place.region}:${place.account}:${rest}`;
  const functionArn = (own: string) => arn('lambda', `function:${name}-${own}`);
  const queueArn = arn('sqs', `${name}${QUEUES.events}`);
  const rules = { events: queueArn, manifest: functionArn('manifest'), sweep: functionArn('sweep') };
  const [tables, queue, deadQueues, oldestSeconds, alarms, rulesFound, mappings, sweepLog, functions] =
    await Promise.all([
      lookAtEach(Object.values(TABLES), (suffix) => lookAtTable(dynamo, name + suffix)),
      lookAtQueue(sqs, name + QUEUES.events),
      lookAtEach([QUEUES.dead, QUEUES.undelivered], (suffix) => lookAtQueue(sqs, name + suffix)),
      lookAtOldest(cloudWatch, name + QUEUES.events, now),
      lookAtAlarms(cloudWatch, name),
      lookAtEach(Object.keys(rules), (which) => lookAtRules(events, rules[which as keyof typeof rules])),
      lookAtMappings(lambda, functionArn('advance'), queueArn),
      lookAtSweepLog(logs, name, now),
      lookAtEach(FUNCTIONS, (own) => lookAtFunction(lambda, `${name}-${own}`)),
    ]);
  const variables = variablesOf(Object.values(functions));
  const rest = await lookAtWork(clients, bucketOf(stack, variables), variables, place);
  return {
    now,
    tables,
    queue,
    deadQueues,
    oldestSeconds,
    alarms,
    rules: rulesFound as Parts['rules'],
    mappings,
    sweepLog,
    functions,
    ...rest,
  };
}

type Variables = Readonly<Record<string, string>>;

/** What the deployment says to its functions, as far as one of them can be seen. */
function variablesOf(functions: readonly Seen<FunctionFacts | undefined>[]): Variables {
  return functions.flatMap((seen) => ('found' in seen && seen.found ? [seen.found.variables] : []))[0] ?? {};
}

function bucketOf(stack: Stack | undefined, { REDEX_BUCKET }: Variables): Seen<string> {
  const found = stack?.bucket ?? REDEX_BUCKET;
  return found ? { found } : { unseen: 'its name is not to be had (needs cloudformation:DescribeStacks)' };
}

/** The bucket, and by what code is in it what its jobs need. */
async function lookAtWork(
  clients: Clients,
  bucketName: Seen<string>,
  variables: Variables,
  { account }: Place,
): Promise<Pick<Parts, 'bucket' | 'code' | 'wanted' | 'jobQueues' | 'images' | 'roles'>> {
  const { s3, batch, iam } = clients;
  const [bucket, code] = await Promise.all([lookAtBucket(s3, bucketName), lookAtCode(s3, bucketName)]);
  const wanted = wantedOf('found' in code ? code.found?.program : undefined, variables);
  const [jobQueues, images, roles] = await Promise.all([
    lookAtEach(Object.keys(wanted.queues), (queue) => lookAtJobQueue(batch, queue)),
    lookAtEach(Object.keys(wanted.images), (image) => lookAtImage(clients, image)),
    lookAtEach(Object.keys(wanted.roles), (role) => lookAtRole(iam, role, account)),
  ]);
  return { bucket, code, wanted, jobQueues, images, roles };
}

/** AWS has clouds of its own in China and for governments. */
function partitionOf({ region }: Place): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
