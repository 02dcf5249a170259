/**
 * What redex itself has Batch say of a job's end, whether the engine ends the job or the local Batch does: words for people,
 * and a code after them by which the adapter knows its own. Written and read here alone.
 */
import type { StopReason } from '../../engine/executor.ts';
import type { Cause } from '../../values/causes.ts';

interface OwnReason {
  readonly words: string;
  readonly cause: Cause;
}

/** What the engine ends jobs for, and what the local Batch says of them: its process ended, or a secret is not to be had. */
export type OwnReasonCode = StopReason | 'machine-stopped' | 'secret-missing';

const OWN_REASONS: Readonly<Record<OwnReasonCode, OwnReason>> = {
  cancelling: { words: 'the run was cancelled', cause: 'interrupted' },
  failing: { words: 'another job of the run failed', cause: 'interrupted' },
  'machine-stopped': { words: 'the machine was stopped', cause: 'interrupted' },
  'secret-missing': { words: 'a secret is missing', cause: 'secret' },
};

/** `detail`: what else is to be known, for people. */
export function reasonText(code: OwnReasonCode, detail?: string): string {
  const { words } = OWN_REASONS[code];
  return `${detail === undefined ? words : `${words}: ${detail}`} [redex:${code}]`;
}

const OWN_TEXT = /^(.*) \[redex:([a-z-]+)\]$/s;

/** The inverse; undefined of a text that is not redex's. */
export function readReason(text: string): OwnReason | undefined {
  const [, words = '', code = ''] = OWN_TEXT.exec(text) ?? [];
  return isOwn(code) ? { words, cause: OWN_REASONS[code].cause } : undefined;
}

function isOwn(code: string): code is OwnReasonCode {
  return Object.hasOwn(OWN_REASONS, code);
}
