/**
 * The brands of names: a text is a run's, a job's, an evaluation's or a submission's, and the compiler tells them apart. Only the
 * functions of this module make one of a text. They check nothing but where they say so: the text comes from a digest, or
 * from what redex itself has stored.
 */
declare const brand: unique symbol;
declare const kind: unique symbol;

/** SHA-256 in lower-case hex, cut to 160 bits: 40 characters, safe in keys, job names and on case-folding file systems. */
export type Hash = string & { readonly [brand]: 'Hash' };

/** Sortable by start time: letters and digits only. */
export type RunId = string & { readonly [brand]: 'RunId' };
/** hash of (eval hash, context), or of a place. */
export type JobId = Hash & { readonly [kind]: 'JobId' };
/** hash of (task hash, args hash). */
export type EvalHash = Hash & { readonly [kind]: 'EvalHash' };
/** Unique in its run: sequence of the claiming entry, its writer's nonce, and a count. Letters, digits and `-`. */
export type SubmissionId = string & { readonly [brand]: 'SubmissionId' };

export const HASH_HEX_LENGTH = 40;
/** What a hash looks like that came from outside. */
export const HASH = /^[0-9a-f]{40}$/;
/** What an id of a run looks like that came from outside. */
export const RUN_ID = /^[A-Za-z0-9]{1,40}$/;

/** The one place where a text becomes a name. */
function named<Name extends string>(text: string): Name {
  return text as Name;
}

export function hashNamed(text: string): Hash {
  return named(text);
}

export function runNamed(text: string): RunId {
  return named(text);
}

export function jobNamed(text: string): JobId {
  return named(text);
}

export function evalNamed(text: string): EvalHash {
  return named(text);
}

export function submissionNamed(text: string): SubmissionId {
  return named(text);
}

/** Reads a hash that came from outside; undefined when it is not one. */
export function parseHash(text: unknown): Hash | undefined {
  return typeof text === 'string' && HASH.test(text) ? named(text) : undefined;
}

/** Reads a run's id that came from outside; undefined when it is not one. */
export function parseRunId(text: unknown): RunId | undefined {
  return typeof text === 'string' && RUN_ID.test(text) ? named(text) : undefined;
}
