/** Why an attempt ended without a result, read off what AWS Batch says (the texts are in the service's documentation). */
import { causeOfRunner } from '../../engine/exit-codes.ts';
import type { Cause } from '../../values/causes.ts';
import type { DescribedJob } from './jobs.ts';
import { readReason } from './reasons.ts';

/** The first that fits counts. Sources: the user guides of AWS Batch and Amazon ECS, and what users of both have reported. */
const BY_REASON: readonly (readonly [RegExp, Cause])[] = [
  [/^Host EC2/, 'machine-lost'],
  [/^Your Spot Task was interrupted/, 'machine-lost'],
  [/^Job attempt duration exceeded timeout/, 'timed-out'],
  [/^OutOfMemoryError/, 'out-of-memory'],
  // Secrets and what the registry asks for are fetched in one step, whose error begins with the names of both.
  [/^ResourceInitializationError.*(timeout|deadline exceeded|signal: killed|Throttl|TooManyRequests)/is, 'not-started'],
  [/^ResourceInitializationError.*\b(retrieve|get|pull) (ecr )?registry auth/is, 'image'],
  [/^ResourceInitializationError.*\bsecrets?\b/is, 'secret'],
  [/^Cannot(Start|Create)ContainerError.*(timeout|timed? out|logging driver|no space left)/is, 'not-started'],
  [/^Cannot(Pull|Start|Create)ContainerError/, 'image'],
  [/^CannotInspectContainerError/, 'no-result'],
  [/^(Docker|ContainerRuntime)TimeoutError.*transition to (stopped|inspecting)/is, 'no-result'],
  [/^(Docker|ContainerRuntime)TimeoutError|^CannotCreateVolumeError|^ResourceInitializationError/, 'not-started'],
  [/^(Canceled|Terminated) by JobStateTimeLimit action/, 'not-started'],
  // No room: of an instance type, of a subnet, of what the account may have at once.
  [/\bunable to place a task\b|^CAPACITY:|\bcapacity is unavailable at this time|^RESOURCE:/i, 'not-started'],
  [/\blimit on the number of \S+ you can run concurrently/, 'not-started'],
  [/^(Timeout waiting for network interface provisioning|Network interface provision)/i, 'not-started'],
  [/^Unexpected EC2 error while attempting to \w+ network interface|^InsufficientFreeAddresses/i, 'not-started'],
  [/^Task failed to start/, 'not-started'],
];

/** What Batch says by itself of jobs that ran, or that it cannot run. Any other text is from who ended the job. */
const ENDED_BY_ITSELF =
  /^(Essential container in task exited|Array Child Job failed|Dependent Job failed|Container Overrides length|Task failed)/;

/** 128 + SIGKILL, 128 + SIGTERM: how a container ends that is stopped. */
const KILLED_EXIT_CODE = 137;
const STOPPED_EXIT_CODES: readonly (number | undefined)[] = [undefined, KILLED_EXIT_CODE, 143];

/** What the end of a job that failed is taken for, unless it recorded a result. */
export function causeOf(job: DescribedJob): Cause {
  const reasons = [job.containerReason ?? '', job.statusReason ?? ''];
  for (const reason of reasons) {
    const own = readReason(reason);
    if (own) return own.cause;
  }
  for (const [pattern, cause] of BY_REASON) if (reasons.some((reason) => pattern.test(reason))) return cause;
  const ofRunner = causeOfRunner(job.exitCode);
  if (ofRunner) return ofRunner;
  if (isTerminated(job)) return 'terminated';
  return isKilledInSilence(job) ? 'out-of-memory' : 'program';
}

/** Who ends a job at its executor has to give a reason, and Batch says it after them, whatever it is. */
function isTerminated({ statusReason, exitCode }: DescribedJob): boolean {
  return statusReason !== undefined && STOPPED_EXIT_CODES.includes(exitCode) && !ENDED_BY_ITSELF.test(statusReason);
}

/** The kernel kills for want of memory, and the executor may have missed it. */
function isKilledInSilence({ containerReason, exitCode }: DescribedJob): boolean {
  return containerReason === undefined && exitCode === KILLED_EXIT_CODE;
}

/** For people. */
export function saidOf(job: DescribedJob): string {
  const reasons = [job.statusReason, job.containerReason].flatMap((text) =>
    text ? [readReason(text)?.words ?? text] : [],
  );
  const said = reasons.join('; ') || 'no reason given';
  const isGuess = isKilledInSilence(job) && causeOf(job) === 'out-of-memory';
  return isGuess ? `${said}; memory has probably run out` : said;
}
