import { createHash, hash } from 'node:crypto';

declare const brand: unique symbol;

/** SHA-256 in lower-case hex, cut to 160 bits: 40 characters, safe in keys, job names and on case-folding file systems. */
export type Hash = string & { readonly [brand]: 'Hash' };

const HASH_HEX_LENGTH = 40;
/** What a hash looks like that came from outside. */
export const HASH = /^[0-9a-f]{40}$/;

/** The hash of `text` in the domain `tag`; equal texts in different domains never collide. */
export function digest(tag: string, text: string): Hash {
  return hash('sha256', `redex:${tag}\n${text}`).slice(0, HASH_HEX_LENGTH) as Hash;
}

/** The content address of raw bytes. */
export function digestBytes(bytes: Uint8Array): Hash {
  return createHash('sha256').update(bytes).digest('hex').slice(0, HASH_HEX_LENGTH) as Hash;
}

/** Reads a hash that came from outside; undefined when it is not one. */
export function parseHash(text: unknown): Hash | undefined {
  return typeof text === 'string' && HASH.test(text) ? (text as Hash) : undefined;
}
