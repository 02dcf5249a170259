import { createHash, hash } from 'node:crypto';
import { HASH_HEX_LENGTH, type Hash, hashNamed } from './ids.ts';

/** The hash of `text` in the domain `tag`; equal texts in different domains never collide. */
export function digest(tag: string, text: string): Hash {
  return hashNamed(hash('sha256', `redex:${tag}\n${text}`).slice(0, HASH_HEX_LENGTH));
}

/** The content address of raw bytes. */
export function digestBytes(bytes: Uint8Array): Hash {
  return hashNamed(createHash('sha256').update(bytes).digest('hex').slice(0, HASH_HEX_LENGTH));
}
