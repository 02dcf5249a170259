/** What is right and wrong with a stack, from what was found of it. Pure. */

import { EXPIRES } from '../../core/aws/tables.ts';
import { isRecord } from '../../core/values/guards.ts';
import type { Stack } from '../stack.ts';
import {
  type CheckResult,
  counted,
  judge,
  judged,
  type Observation,
  oneLine,
  type Problem,
  right,
  unknown,
  wrong,
} from './checks.ts';
import {
  type FunctionFacts,
  type Missing,
  QUEUES,
  type Rule,
  type StackFacts,
  type StackParts,
  SWEEP_SEEN_MS,
  TABLES,
} from './stack-facts.ts';
import { jobsChecks } from './stack-job-checks.ts';

const MINUTE_MS = 60_000;
/** AWS refuses what was signed at another time than this, either way. */
const SKEW_REFUSED_MS = 5 * MINUTE_MS;
const SKEW_MS_MAX = MINUTE_MS;
/** As the alarm on it (stack/alarms.yml). */
const OLDEST_SECONDS_MAX = 900;
/** With fewer receives a neighbour's long round would send healthy events to the dead letter queue. */
const RECEIVES_MIN = 10;
const EXPIRING: readonly string[] = [TABLES.cache, TABLES.attempts];
/** The oldest Node that bundles are made for (stack/programs.ts). */
const NODE_MIN = 24;
const DEPLOY = 'npx serverless deploy puts it back';

export function stackChecks(facts: StackFacts): CheckResult[] {
  const { parts } = facts;
  return [callerCheck(facts), clockCheck(facts), stackCheck(facts), ...(parts ? partsChecks(facts, parts) : [])];
}

function partsChecks(facts: StackFacts, parts: StackParts): CheckResult[] {
  const { name } = facts;
  return [
    versionCheck(facts),
    tablesCheck(name, parts),
    bucketCheck(parts),
    codeCheck(parts),
    functionsCheck(name, parts),
    queueCheck(name, parts),
    deadLettersCheck(name, parts),
    oldestCheck(name, parts),
    mappingCheck(name, parts),
    rulesCheck(name, parts),
    sweepCheck(name, parts),
    alarmsCheck(name, parts),
    ...jobsChecks(name, parts),
  ];
}

function callerCheck({ caller }: StackFacts): CheckResult {
  return 'found' in caller ? right('caller', caller.found) : unknown('caller', caller.unseen);
}

function clockCheck({ skewMs }: StackFacts): CheckResult {
  if ('unseen' in skewMs) return unknown('clock', skewMs.unseen);
  const ms = Math.abs(skewMs.found);
  const said = `this clock is ${(ms / 1000).toFixed(0)} s ${skewMs.found > 0 ? 'behind' : 'ahead of'} that of AWS`;
  if (ms < SKEW_MS_MAX) return right('clock', said);
  const refused = `${said}, which refuses what is signed ${SKEW_REFUSED_MS / MINUTE_MS} minutes off`;
  return wrong('clock', { said: refused, advice: 'let it follow a time server: timedatectl set-ntp true' });
}

const ENDED_WELL = /^(CREATE|UPDATE|IMPORT)_COMPLETE$/;

function stackCheck({ name, stack }: StackFacts): CheckResult {
  if (isMissing(stack)) {
    if (stack.trouble === 'denied') return unknown('stack', 'access denied (needs cloudformation:DescribeStacks)');
    return wrong('stack', { said: oneLine(stack.message), advice: 'then look again' });
  }
  const said = `${name} in ${stack.region}, account ${stack.account}: ${stack.status}`;
  if (ENDED_WELL.test(stack.status)) return right('stack', said);
  if (/_IN_PROGRESS$/.test(stack.status)) return unknown('stack', `${said}: a deployment is under way`);
  return wrong('stack', {
    said: `${said}: the last deployment failed`,
    advice: `aws cloudformation describe-stack-events --stack-name ${name} says why; then npx serverless deploy`,
  });
}

function isMissing(stack: Stack | Missing): stack is Missing {
  return 'trouble' in stack;
}

function versionCheck({ redex, stack }: StackFacts): CheckResult {
  if (isMissing(stack)) return unknown('version', 'access denied (needs cloudformation:DescribeStacks)');
  const { version } = stack;
  if (version === redex) return right('version', `redex ${redex} there as here`);
  return wrong('version', {
    said:
      version === undefined
        ? 'the stack is of a redex that did not say its version'
        : `redex ${version} there, and ${redex} here`,
    advice: 'npx serverless deploy deploys this one, and runs under way go on; or use the one that is there',
  });
}

function tablesCheck(name: string, { tables }: StackParts): CheckResult {
  const parts = Object.entries(tables).map(([suffix, seen]) =>
    judge(seen, (table) => {
      const own = name + suffix;
      if (!table) return [{ said: `there is no table ${own}`, advice: DEPLOY }];
      return [
        table.status === 'ACTIVE'
          ? undefined
          : { said: `${own} is ${table.status}`, advice: 'wait until it is ACTIVE' },
        EXPIRING.includes(suffix) && table.expires !== EXPIRES
          ? {
              said: `items of ${own} do not expire by ${EXPIRES}`,
              advice: `aws dynamodb update-time-to-live --table-name ${own} --time-to-live-specification Enabled=true,AttributeName=${EXPIRES}`,
            }
          : undefined,
        table.isRecoverable
          ? undefined
          : {
              said: `${own} cannot be recovered to a point in time`,
              advice: `aws dynamodb update-continuous-backups --table-name ${own} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
            },
      ];
    }),
  );
  return judged('tables', parts, 'three, with expiry and point-in-time recovery');
}

function bucketCheck({ bucket }: StackParts): CheckResult {
  const { name, isThere, isVersioned, isPrivate, tells } = bucket;
  if ('unseen' in name) return unknown('bucket', name.unseen);
  const own = name.found;
  if ('found' in isThere && !isThere.found) {
    return wrong('bucket', { said: `there is no bucket ${own}`, advice: DEPLOY });
  }
  const must = (seen: Observation<boolean>, said: string, advice: string) =>
    judge(seen, (is) => [is ? undefined : { said, advice }]);
  const block = 'BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true';
  const aws = (command: string, rest: string) => `aws s3api ${command} --bucket ${own} ${rest}`;
  return judged(
    'bucket',
    [
      judge(isThere, () => []),
      must(
        isVersioned,
        `${own} keeps no versions: what is overwritten is lost`,
        aws('put-bucket-versioning', '--versioning-configuration Status=Enabled'),
      ),
      must(
        isPrivate,
        `${own} does not keep the public out`,
        aws('put-public-access-block', `--public-access-block-configuration ${block}`),
      ),
      must(
        tells,
        `${own} tells EventBridge of nothing: manifests are not seen`,
        aws(
          'put-bucket-notification-configuration',
          '--notification-configuration \'{"EventBridgeConfiguration": {}}\'',
        ),
      ),
    ],
    `${own} keeps versions, keeps the public out, and tells of manifests`,
  );
}

function codeCheck({ code }: StackParts): CheckResult {
  const advice = 'redex deploy-code deploys the workflows of this project';
  const part = judge(code, (found) => {
    if (!found) return [{ said: 'no workflows were deployed', advice }];
    return [
      found.program ? undefined : { said: `the bundle ${found.bundle}, which new runs are made of, is gone`, advice },
    ];
  });
  const { bundle, program } = ('found' in code && code.found) || {};
  const count = Object.values(program?.tasks ?? {}).filter(({ params }) => params !== undefined).length;
  return judged('code', [part], `${counted(count, 'workflow')} in bundle ${bundle}`);
}

function functionsCheck(name: string, { functions }: StackParts): CheckResult {
  const parts = Object.entries(functions).map(([own, seen]) =>
    judge(seen, (found) =>
      found
        ? functionProblems(`${name}-${own}`, name, found)
        : [{ said: `there is no function ${name}-${own}`, advice: DEPLOY }],
    ),
  );
  const runtimes = new Set(
    Object.values(functions).flatMap((seen) => ('found' in seen ? (seen.found?.runtime ?? []) : [])),
  );
  return judged('functions', parts, `${counted(parts.length, 'function')} on ${[...runtimes].join(', ')}`);
}

function functionProblems(own: string, stack: string, facts: FunctionFacts): (Problem | undefined)[] {
  const { runtime, state, lastUpdate, reserved, variables } = facts;
  const node = Number(/^nodejs(\d+)\.x$/.exec(runtime)?.[1] ?? 0);
  const advice = 'npx serverless deploy deploys it anew';
  return [
    node >= NODE_MIN ? undefined : { said: `${own} runs on ${runtime}, and redex needs nodejs${NODE_MIN}.x`, advice },
    ['Active', 'Inactive', ''].includes(state) ? undefined : { said: `${own} is ${state}`, advice },
    lastUpdate === 'Failed' ? { said: `the last update of ${own} failed`, advice } : undefined,
    reserved === 0
      ? {
          said: `${own} may run 0 times at once: it is switched off`,
          advice: `aws lambda delete-function-concurrency --function-name ${own}`,
        }
      : undefined,
    variables.REDEX_STACK === stack
      ? undefined
      : { said: `${own} takes its stack for ${variables.REDEX_STACK ?? 'none'} (REDEX_STACK)`, advice },
  ];
}

function queueCheck(name: string, { queue }: StackParts): CheckResult {
  const own = name + QUEUES.events;
  const dead = name + QUEUES.dead;
  const part = judge(queue, (found) => {
    if (!found) return [{ said: `there is no queue ${own}: no event reaches a run`, advice: DEPLOY }];
    const { redrive } = found;
    if (redrive?.to !== dead) {
      return [{ said: `${own} keeps what cannot be handled for ever: it leads to no ${dead}`, advice: DEPLOY }];
    }
    if (redrive.after >= RECEIVES_MIN) return [];
    return [
      {
        said: `${own} gives a message up after ${redrive.after} receives, and healthy ones need up to ${RECEIVES_MIN}`,
        advice: DEPLOY,
      },
    ];
  });
  const messages = 'found' in queue ? (queue.found?.messages ?? 0) : 0;
  return judged('queue of events', [part], `${own} has ${counted(messages, 'message')}`);
}

/** Each queue, and what puts its messages back. */
const REDRIVES: Readonly<Record<string, readonly [what: string, advice: (stack: string) => string]>> = {
  [QUEUES.dead]: [
    'events that could not be handled',
    (stack) =>
      `aws logs tail /aws/lambda/${stack}-advance says why; then move them back: aws sqs start-message-move-task, with the ARN of the queue`,
  ],
  [QUEUES.undelivered]: [
    'events that could not be delivered, or manifests that could not be started',
    (stack) =>
      `aws logs tail /aws/lambda/${stack}-manifest, and what the messages say, tell why; put a manifest again, and purge the queue`,
  ],
};

function deadLettersCheck(name: string, { deadQueues }: StackParts): CheckResult {
  const parts = Object.entries(deadQueues).map(([suffix, seen]) =>
    judge(seen, (queue) => {
      const own = name + suffix;
      if (!queue) return [{ said: `there is no queue ${own}: what fails is lost`, advice: DEPLOY }];
      const [what, advice] = REDRIVES[suffix] ?? ['messages', () => 'look at them'];
      if (queue.messages === 0) return [];
      return [{ said: `${own} has ${counted(queue.messages, 'message')}: ${what}`, advice: advice(name) }];
    }),
  );
  return judged('dead letters', parts, 'both queues for what failed are empty');
}

function oldestCheck(name: string, { oldestSeconds }: StackParts): CheckResult {
  const part = judge(oldestSeconds, (seconds = 0) => [
    seconds < OLDEST_SECONDS_MAX
      ? undefined
      : {
          said: `an event has waited for ${Math.round(seconds / 60)} minutes`,
          advice: `is ${name}-advance throttled or failing? aws logs tail /aws/lambda/${name}-advance`,
        },
  ]);
  const seconds = 'found' in oldestSeconds ? oldestSeconds.found : undefined;
  return judged(
    'oldest event',
    [part],
    seconds === undefined ? 'none waits' : `has waited for ${Math.round(seconds)} s`,
  );
}

function mappingCheck(name: string, { mappings }: StackParts): CheckResult {
  const part = judge(mappings, (states) => {
    if (states.some((state) => /^(Enabled|Enabling|Updating|Creating)$/.test(state))) return [];
    if (states.length === 0)
      return [{ said: `nothing leads from ${name}${QUEUES.events} to ${name}-advance`, advice: DEPLOY }];
    return [
      {
        said: `what leads from ${name}${QUEUES.events} to ${name}-advance is ${states.join(', ')}: runs stand still`,
        advice: `aws lambda list-event-source-mappings --function-name ${name}-advance gives its UUID; then aws lambda update-event-source-mapping --enabled --uuid UUID`,
      },
    ];
  });
  return judged('delivery', [part], `${name}-advance takes what is in the queue of events`);
}

/** The rules of stack/events.yml, by what they let through. */
function rulesCheck(name: string, { rules }: StackParts): CheckResult {
  const jobs = (rule: Rule) => isOfJobs(rule, name, 'Batch Job State Change');
  const blocked = (rule: Rule) => isOfJobs(rule, name, 'Batch Job Queue Blocked');
  return judged(
    'rules',
    [
      judge(rules.events, (found) => [
        ruleProblem(found.filter(jobs), "leads the end of this stack's jobs to the queue of events"),
        ruleProblem(found.filter(blocked), 'leads word of a queue that stands still to the queue of events'),
      ]),
      judge(rules.manifest, (found) => [ruleProblem(found, `leads manifests to ${name}-manifest`)]),
      judge(rules.sweep, (found) => [
        ruleProblem(
          found.filter(({ schedule }) => schedule !== undefined),
          `calls ${name}-sweep by the clock`,
        ),
      ]),
    ],
    'ends of jobs, blocked queues, manifests and the clock lead to where they are handled',
  );
}

function ruleProblem(rules: readonly Rule[], does: string): Problem | undefined {
  if (rules.some(({ isEnabled }) => isEnabled)) return undefined;
  const [first] = rules;
  if (!first) return { said: `no rule ${does}`, advice: DEPLOY };
  return {
    said: `the rule ${first.name}, which ${does}, is disabled`,
    advice: `aws events enable-rule --name ${first.name}`,
  };
}

/** Whether the pattern is for the events of that kind, and lets those of the stack's jobs through, by their names. */
function isOfJobs({ pattern }: Rule, stack: string, kind: string): boolean {
  const { 'detail-type': kinds, detail } = isRecord(pattern) ? pattern : {};
  const prefix = `redex_${stack}_`;
  const { jobName } = isRecord(detail) ? detail : {};
  const names = Array.isArray(jobName) ? jobName : [];
  return Array.isArray(kinds) && kinds.includes(kind) && names.some((name) => name?.prefix === prefix);
}

function sweepCheck(name: string, { sweepLog, now }: StackParts): CheckResult {
  const minutes = SWEEP_SEEN_MS / MINUTE_MS;
  const log = `/aws/lambda/${name}-sweep`;
  const part = judge(sweepLog, (found) => {
    if (found?.newest === undefined) {
      const advice = `a new stack has its first sweep after 5 minutes; else aws lambda invoke --function-name ${name}-sweep out.json says what fails`;
      return [{ said: `the sweep has written nothing to ${log} for ${minutes} minutes`, advice }];
    }
    return [
      found.hasFailed
        ? {
            said: `the sweep has failed within ${minutes} minutes`,
            advice: `aws logs tail ${log} --since 15m says why`,
          }
        : undefined,
    ];
  });
  const newest = 'found' in sweepLog ? (sweepLog.found?.newest ?? now) : now;
  return judged('sweep', [part], `was at work ${Math.max(0, Math.round((now - newest) / 1000))} s ago`);
}

function alarmsCheck(name: string, { alarms }: StackParts): CheckResult {
  const part = judge(alarms, (found) => {
    if (found.length === 0) return [{ said: `${name} has no alarms`, advice: DEPLOY }];
    return found
      .filter(({ state }) => state === 'ALARM')
      .map((alarm) => ({ said: `${alarm.name} is on`, advice: oneLine(alarm.description) }));
  });
  const count = 'found' in alarms ? alarms.found.length : 0;
  return judged('alarms', [part], `none of ${count} is on`);
}
