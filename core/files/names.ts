/**
 * Names of files are bytes, locations are text. A byte that is part of no UTF-8 is written `\xe9` in the text; where a name
 * really holds a backslash with such letters after it, that backslash is written `\x5c`. So no two names have one text.
 */
import { isUtf8 } from 'node:buffer';

const ESCAPE = /\\x(5c|[89a-f][0-9a-f])/g;
const LOOKS_ESCAPED = /\\(?=x(5c|[89a-f][0-9a-f]))/g;
const CHARACTER_BYTES_MAX = 4;

/** A name as the file system has it, or a path, as text. */
export function textOf(name: Buffer): string {
  if (isUtf8(name)) return asText(name.toString());
  let [text, plainFrom] = ['', 0];
  for (let at = 0; at < name.length; ) {
    const length = characterAt(name, at);
    if (length === 0) {
      text += `${textOf(name.subarray(plainFrom, at))}\\x${name.toString('hex', at, at + 1)}`;
      plainFrom = at + 1;
    }
    at += Math.max(length, 1);
  }
  return text + textOf(name.subarray(plainFrom));
}

/** How many bytes the character takes that begins there; 0: none does. */
function characterAt(name: Buffer, at: number): number {
  for (let length = 1; length <= CHARACTER_BYTES_MAX && at + length <= name.length; length++) {
    if (isUtf8(name.subarray(at, at + length))) return length;
  }
  return 0;
}

/** A path that is not from here, as that of the project, where it holds what looks like an escape. */
export function asText(path: string): string {
  return path.replace(LOOKS_ESCAPED, '\\x5c');
}

/** The path as the file system is to be asked for it. An escape gives no `/` and no dot, so it leads nowhere else. */
export function bytesOf(path: string): Buffer | string {
  if (!path.includes('\\x')) return path;
  const parts: Buffer[] = [];
  let plainFrom = 0;
  for (const { 0: written, 1: hex = '', index } of path.matchAll(ESCAPE)) {
    parts.push(Buffer.from(path.slice(plainFrom, index)), Buffer.from(hex, 'hex'));
    plainFrom = index + written.length;
  }
  return Buffer.concat([...parts, Buffer.from(path.slice(plainFrom))]);
}
