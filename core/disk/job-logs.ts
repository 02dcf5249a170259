/** Logs of jobs as files of a folder. */

import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JobLogs } from '../engine/ports.ts';
import { at } from '../values/present.ts';
import { isErrno } from '../values/thrown.ts';

const PART_BYTES = 1 << 20;
const LINE_END = 10;
/** The first byte of a character that has several, or one of its others. */
const MULTIPLE = 0x80;
const FIRST_OF_MULTIPLE = 0xc0;
const CHARACTER_BYTES_MAX = 4;

/** The name of the log of a job that has this id. */
export function jobLogName(executorId: string): string {
  return `${executorId.replace(':', '_')}.log`;
}

/** Files outside the folder are none of its logs. */
export function folderJobLogs(folder: string, partBytes = PART_BYTES): JobLogs {
  return {
    async read({ log, executorId }, from = '0') {
      const name = log ?? (executorId && jobLogName(executorId));
      if (name === undefined) return undefined;
      const start = Number(from);
      const bytes = await readPart(join(folder, basename(name)), start, partBytes);
      if (bytes === undefined) return undefined;
      const isEnd = bytes.length < partBytes;
      const part = bytes.subarray(0, isEnd ? wholeCharacters(bytes) : wholeLines(bytes));
      return { text: part.toString(), next: String(start + part.length), isEnd };
    },
  };
}

async function readPart(path: string, start: number, length: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position: start });
    return buffer.subarray(0, bytesRead);
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
}

/** How much of it is whole lines; of a line that is longer than all of it, whole characters. */
function wholeLines(bytes: Buffer): number {
  const end = bytes.lastIndexOf(LINE_END) + 1;
  return end > 0 ? end : wholeCharacters(bytes);
}

/** What comes behind belongs to a character whose other bytes are not there yet. */
function wholeCharacters(bytes: Buffer): number {
  for (let start = bytes.length - 1; start >= 0 && start > bytes.length - CHARACTER_BYTES_MAX; start--) {
    const byte = at(bytes, start);
    if (byte < MULTIPLE) break;
    // As many bytes as the first has leading ones.
    if (byte >= FIRST_OF_MULTIPLE) return start + Math.clz32(~byte << 24) > bytes.length ? start : bytes.length;
  }
  return bytes.length;
}
