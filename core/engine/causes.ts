/** Why an attempt ended without a result, read off what AWS Batch says (the texts are in the service's documentation). */
import { errorValue } from '../graph/errors.ts';
import { CAUSES, type Cause } from '../values/causes.ts';
import type { Table } from '../values/table.ts';
import { exitCodeHint } from './exit-codes.ts';
import type { Verdict } from './ports.ts';

/** What the local Batch says of jobs that ended because its own process did. */
export const INTERRUPTED_REASON = 'redex local: the machine was stopped';

/** How what the local Batch says of jobs that it cannot give their secrets begins. */
export const WITHHELD_REASON = 'redex local: a secret is missing: ';

/** What we say ourselves when we end a job, and Batch says after us. */
export const STOP_REASONS = { cancelling: 'the run was cancelled', failing: 'another job of the run failed' } as const;

/** The exit code of a runner whose claim was refused: it has done nothing. */
export const REFUSED_EXIT_CODE = 97;

/** The exit code of a runner that could not reach its stores (EX_SOFTWARE of sysexits.h): it says nothing of the job. */
export const TROUBLE_EXIT_CODE = 70;

/** The first that fits counts. Sources: the user guides of AWS Batch and Amazon ECS, and what users of both have reported. */
const BY_REASON: readonly (readonly [RegExp, Cause])[] = [
  [/^Host EC2/, 'machine-lost'],
  [/^Your Spot Task was interrupted/, 'machine-lost'],
  [/^Job attempt duration exceeded timeout/, 'timed-out'],
  [/^OutOfMemoryError/, 'out-of-memory'],
  [new RegExp(`^${WITHHELD_REASON}`), 'secret'],
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

/** Ends that somebody wanted, in our own words. */
const OUR_REASONS: readonly string[] = [INTERRUPTED_REASON, ...Object.values(STOP_REASONS)];

/** Status decides, never the exit code alone: FAILED with exit code 0 exists. */
export function causeOf(verdict: Verdict): Cause {
  const reasons = [verdict.containerReason ?? '', verdict.statusReason ?? ''];
  if (reasons.some((reason) => OUR_REASONS.includes(reason))) return 'interrupted';
  for (const [pattern, cause] of BY_REASON) if (reasons.some((reason) => pattern.test(reason))) return cause;
  if (verdict.exitCode === REFUSED_EXIT_CODE) return 'interrupted';
  if (verdict.exitCode === TROUBLE_EXIT_CODE) return 'machine-lost';
  if (verdict.status === 'SUCCEEDED') return 'no-result';
  if (isTerminated(verdict)) return 'terminated';
  return isKilledInSilence(verdict) ? 'out-of-memory' : 'program';
}

/** Who ends a job at its executor has to give a reason, and Batch says it after them, whatever it is. */
function isTerminated({ statusReason, exitCode }: Verdict): boolean {
  return statusReason !== undefined && STOPPED_EXIT_CODES.includes(exitCode) && !ENDED_BY_ITSELF.test(statusReason);
}

/** The kernel kills for want of memory, and the executor may have missed it. */
function isKilledInSilence({ containerReason, exitCode }: Verdict): boolean {
  return containerReason === undefined && exitCode === KILLED_EXIT_CODE;
}

/** The error of an attempt that recorded none itself. */
export function verdictError(task: string, cause: Cause, verdict: Verdict): Table {
  const said = [verdict.statusReason, verdict.containerReason].filter(Boolean).join('; ') || 'no reason given';
  const isGuess = cause === 'out-of-memory' && isKilledInSilence(verdict);
  const reasons = isGuess ? `${said}; memory has probably run out` : said;
  const exit = verdict.exitCode === undefined ? '' : `, exit code ${verdict.exitCode}${exitCodeHint(verdict.exitCode)}`;
  return errorValue(
    CAUSES[cause].error,
    `${task}: job ${verdict.id} ended ${verdict.status} without a result (${reasons}${exit})`,
    {
      ...(verdict.exitCode !== undefined && { exitCode: verdict.exitCode }),
      ...(verdict.log !== undefined && { log: verdict.log }),
    },
  );
}
