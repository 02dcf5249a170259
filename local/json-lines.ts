/** An append-only file of JSON lines. What was appended survives the death of the process. */

import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { stored } from '../core/values/json.ts';

export interface JsonLines<T> {
  append(record: T): void;
  close(): void;
}

/** The records of a file, none if there is no such file. A last line that a kill cut short is cut off for good. */
export function readJsonLines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(path, end);
  const lines = bytes.subarray(0, end).toString().split('\n').slice(0, -1);
  return lines.map((line) => stored<T>(line));
}

/** Replaces the file's records, all or nothing; the file is for this user only, as `appendJsonLines` makes it. */
export function replaceJsonLines<T>(path: string, records: readonly T[]): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, records.map(lineOf).join(''), { mode: 0o600 });
  renameSync(draft, path);
}

export function appendJsonLines<T>(path: string): JsonLines<T> {
  const descriptor = openSync(path, 'a', 0o600);
  return {
    append: (record) => {
      writeSync(descriptor, lineOf(record));
    },
    close: () => closeSync(descriptor),
  };
}

function lineOf(record: unknown): string {
  return `${JSON.stringify(record)}\n`;
}
