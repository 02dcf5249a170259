/** Why an attempt ended without a result, read off what AWS Batch says (the texts are in the service's documentation). */
import { errorValue } from '../graph/errors.ts';
import type { Cause } from '../values/program.ts';
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

const BY_REASON: readonly (readonly [RegExp, Cause])[] = [
  [/^Host EC2/, 'machine-lost'],
  [/^Job attempt duration exceeded timeout/, 'timed-out'],
  [/^OutOfMemoryError/, 'out-of-memory'],
  [new RegExp(`^${WITHHELD_REASON}`), 'secret'],
  // Secrets and what the registry asks for are fetched in one step, whose error begins with the names of both.
  [
    /^ResourceInitializationError.*(timeout|deadline exceeded|signal: killed|Throttl|TooManyRequests)/is,
    'machine-lost',
  ],
  [/^ResourceInitializationError.*\b(retrieve|get|pull) (ecr )?registry auth/is, 'image'],
  [/^ResourceInitializationError.*\bsecrets?\b/is, 'secret'],
  [
    /^CannotPullContainerError|^Task failed to start|^DockerTimeoutError|^CannotStartContainerError|^CannotCreateContainerError/,
    'image',
  ],
  [/^CannotInspectContainerError/, 'no-result'],
];

/** Ends that somebody wanted, in our own words. */
const OUR_REASONS: readonly string[] = [INTERRUPTED_REASON, ...Object.values(STOP_REASONS)];

/** Status decides, never the exit code alone: FAILED with exit code 0 exists. */
export function causeOf(verdict: Verdict): Cause {
  const reasons = [verdict.containerReason ?? '', verdict.statusReason ?? ''];
  if (reasons.some((reason) => OUR_REASONS.includes(reason))) return 'interrupted';
  for (const [pattern, cause] of BY_REASON) if (reasons.some((reason) => pattern.test(reason))) return cause;
  if (verdict.exitCode === REFUSED_EXIT_CODE) return 'interrupted';
  if (verdict.exitCode === TROUBLE_EXIT_CODE) return 'machine-lost';
  return verdict.status === 'SUCCEEDED' ? 'no-result' : 'program';
}

const NAMES: Readonly<Record<Cause, string>> = {
  'machine-lost': 'MachineLost',
  'out-of-memory': 'OutOfMemory',
  'timed-out': 'TimedOut',
  image: 'ImageError',
  secret: 'SecretError',
  'no-result': 'MachineLost',
  program: 'JobFailed',
  interrupted: 'MachineLost',
};

/** The error of an attempt that recorded none itself. */
export function verdictError(task: string, cause: Cause, verdict: Verdict): Table {
  const reasons = [verdict.statusReason, verdict.containerReason].filter(Boolean).join('; ') || 'no reason given';
  const exit = verdict.exitCode === undefined ? '' : `, exit code ${verdict.exitCode}${exitCodeHint(verdict.exitCode)}`;
  return errorValue(
    NAMES[cause],
    `${task}: job ${verdict.id} ended ${verdict.status} without a result (${reasons}${exit})`,
    {
      ...(verdict.exitCode !== undefined && { exitCode: verdict.exitCode }),
      ...(verdict.log !== undefined && { log: verdict.log }),
    },
  );
}
