/**
 * Why attempts end without a result, and what follows from each cause: how often such an attempt is made, and the error that
 * it fails with, of which core/values/errors.ts says what it speaks of and what to do.
 */
import type { ErrorName } from './errors.ts';
import { keysOf } from './json.ts';

interface CauseTraits {
  /** Attempts allowed unless the options say otherwise: each cause has its own number. */
  readonly attempts: number;
  /** What the next attempt has that this one had not. */
  readonly next: 'the same' | 'more memory' | 'another queue';
  /** The error of an attempt that recorded none itself. */
  readonly error: ErrorName;
}

export const CAUSES = {
  /** Nothing of it has run: no machine, network interface or room was to be had for it. */
  'not-started': { attempts: 5, next: 'another queue', error: 'NotStarted' },
  'machine-lost': { attempts: 5, next: 'another queue', error: 'MachineLost' },
  'out-of-memory': { attempts: 3, next: 'more memory', error: 'OutOfMemory' },
  'timed-out': { attempts: 1, next: 'the same', error: 'TimedOut' },
  image: { attempts: 3, next: 'the same', error: 'ImageError' },
  /** A secret could not be had. */
  secret: { attempts: 1, next: 'the same', error: 'SecretError' },
  'no-result': { attempts: 1, next: 'the same', error: 'MachineLost' },
  program: { attempts: 1, next: 'the same', error: 'JobFailed' },
  /** Somebody ended the job at its executor. */
  terminated: { attempts: 1, next: 'the same', error: 'JobTerminated' },
  /** The machine itself was stopped by its user: never counted. */
  interrupted: { attempts: Number.POSITIVE_INFINITY, next: 'the same', error: 'MachineLost' },
} as const satisfies Readonly<Record<string, CauseTraits>>;

export type Cause = keyof typeof CAUSES;

/** How many attempts ended for each cause. */
export type Failures = Readonly<Partial<Record<Cause, number>>>;

/** How many of the failures ask for more memory, or for another queue. */
export function failuresThatAsk(failures: Failures, next: CauseTraits['next']): number {
  return keysOf(CAUSES).reduce((sum, cause) => sum + (CAUSES[cause].next === next ? (failures[cause] ?? 0) : 0), 0);
}
