/** Looks at a deployed stack, from outside of it and by the user's own credentials. Nothing is changed. */

import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { findStack, type Stack, StackUnavailable } from '../stack.ts';
import type { Observation } from './checks.ts';
import { askingSettings, clientsFor, look, lookAtEach, type StackClients } from './stack-asking.ts';
import {
  lookAtAlarms,
  lookAtFunction,
  lookAtMappings,
  lookAtOldest,
  lookAtQueue,
  lookAtRules,
  lookAtSweepLog,
} from './stack-events.ts';
import {
  FUNCTIONS,
  type FunctionFacts,
  QUEUES,
  type StackFacts,
  type StackParts,
  TABLES,
  wantedOf,
} from './stack-facts.ts';
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

const DatedResponse = v.object({ headers: v.object({ date: v.optional(v.string()) }) });

interface Caller {
  readonly arn: string;
  readonly account: string;
  readonly region: string;
}

/** Who asks, and how far AWS's clock is from ours: every answer has the time at which it was given. */
async function lookAtCaller(): Promise<{ caller: Observation<Caller>; skewMs: Observation<number> }> {
  const client = new STSClient(askingSettings());
  let skewMs: Observation<number> = { unseen: 'AWS does not answer' };
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = Date.now();
      const result = await next(args);
      const { headers } = v.parse(DatedResponse, result.response);
      const { date } = headers;
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

interface StackPlace {
  readonly region: string;
  readonly account: string;
}

/** Who may not ask CloudFormation may see the rest all the same; else there is nothing, or nobody, to ask. */
function placeOf(stack: Stack | StackUnavailable, caller: Observation<Caller>): StackPlace | undefined {
  if (!(stack instanceof StackUnavailable)) return stack;
  return stack.trouble === 'denied' && 'found' in caller ? caller.found : undefined;
}

async function lookAtParts(
  name: string,
  stack: Stack | undefined,
  place: StackPlace,
  now: number,
): Promise<StackParts> {
  const clients = clientsFor(place.region);
  const { dynamo, sqs, cloudWatch, events, lambda, logs } = clients;
  const arn = (service: string, rest: string) =>
    `arn:${partitionOf(place)}:${service}:${place.region}:${place.account}:${rest}`;
  const rulesTo = async (arns: Readonly<Record<keyof StackParts['rules'], string>>): Promise<StackParts['rules']> => {
    const [toEvents, toManifest, toSweep] = await Promise.all([
      lookAtRules(events, arns.events),
      lookAtRules(events, arns.manifest),
      lookAtRules(events, arns.sweep),
    ]);
    return { events: toEvents, manifest: toManifest, sweep: toSweep };
  };
  const functionArn = (own: string) => arn('lambda', `function:${name}-${own}`);
  const queueArn = arn('sqs', `${name}${QUEUES.events}`);
  const [tables, queue, deadQueues, oldestSeconds, alarms, rules, mappings, sweepLog, functions] = await Promise.all([
    lookAtEach(Object.values(TABLES), (suffix) => lookAtTable(dynamo, name + suffix)),
    lookAtQueue(sqs, name + QUEUES.events),
    lookAtEach([QUEUES.dead, QUEUES.undelivered], (suffix) => lookAtQueue(sqs, name + suffix)),
    lookAtOldest(cloudWatch, name + QUEUES.events, now),
    lookAtAlarms(cloudWatch, name),
    rulesTo({ events: queueArn, manifest: functionArn('manifest'), sweep: functionArn('sweep') }),
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
    rules,
    mappings,
    sweepLog,
    functions,
    ...rest,
  };
}

type FunctionVariables = Readonly<Record<string, string>>;

/** What the deployment says to its functions, as far as one of them can be seen. */
function variablesOf(functions: readonly Observation<FunctionFacts | undefined>[]): FunctionVariables {
  return functions.flatMap((seen) => ('found' in seen && seen.found ? [seen.found.variables] : []))[0] ?? {};
}

function bucketOf(stack: Stack | undefined, { REDEX_BUCKET }: FunctionVariables): Observation<string> {
  const found = stack?.bucket ?? REDEX_BUCKET;
  return found ? { found } : { unseen: 'its name is not to be had (needs cloudformation:DescribeStacks)' };
}

/** The bucket, and by what code is in it what its jobs need. */
async function lookAtWork(
  clients: StackClients,
  bucketName: Observation<string>,
  variables: FunctionVariables,
  { account }: StackPlace,
): Promise<Pick<StackParts, 'bucket' | 'code' | 'wanted' | 'jobQueues' | 'images' | 'roles'>> {
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
function partitionOf({ region }: StackPlace): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
