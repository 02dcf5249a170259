/** Why an attempt ended without a result, read off what AWS Batch says (the texts are in the service's documentation). */
import { errorValue } from '../graph/errors.ts';
import type { Cause } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import type { Verdict } from './ports.ts';

/** What the local Batch says of jobs that ended because its own process did. */
export const INTERRUPTED_REASON = 'redex local: the machine was stopped';

const BY_REASON: readonly (readonly [RegExp, Cause])[] = [
  [/^redex local: the machine was stopped/, 'interrupted'],
  [/^Host EC2/, 'machine-lost'],
  [/^Job attempt duration exceeded timeout/, 'timed-out'],
  [/^OutOfMemoryError/, 'out-of-memory'],
  [
    /^CannotPullContainerError|^Task failed to start|^DockerTimeoutError|^CannotStartContainerError|^CannotCreateContainerError/,
    'image',
  ],
  [/^CannotInspectContainerError/, 'no-result'],
];

/** Status decides, never the exit code alone: FAILED with exit code 0 exists. */
export function causeOf(verdict: Verdict): Cause {
  const reasons = [verdict.containerReason ?? '', verdict.statusReason ?? ''];
  for (const [pattern, cause] of BY_REASON) if (reasons.some((reason) => pattern.test(reason))) return cause;
  return verdict.status === 'SUCCEEDED' ? 'no-result' : 'program';
}

const NAMES: Readonly<Record<Cause, string>> = {
  'machine-lost': 'MachineLost',
  'out-of-memory': 'OutOfMemory',
  'timed-out': 'TimedOut',
  image: 'ImageError',
  'no-result': 'MachineLost',
  program: 'JobFailed',
  interrupted: 'MachineLost',
};

/** The error of an attempt that recorded none itself. */
export function verdictError(task: string, cause: Cause, verdict: Verdict): Table {
  const reasons = [verdict.statusReason, verdict.containerReason].filter(Boolean).join('; ') || 'no reason given';
  const exit = verdict.exitCode === undefined ? '' : `, exit code ${verdict.exitCode}`;
  return errorValue(
    NAMES[cause],
    `${task}: job ${verdict.id} ended ${verdict.status} without a result (${reasons}${exit})`,
    {
      ...(verdict.exitCode !== undefined && { exitCode: verdict.exitCode }),
      ...(verdict.log !== undefined && { log: verdict.log }),
    },
  );
}
