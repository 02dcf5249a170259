/** Processes that work in a project's folder, however they were started. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const GONE_MS_MAX = 10_000;

/** Command lines of the processes whose environment, words or working directory name the folder, by process number. */
export function leftovers(folder: string): Map<number, string> {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = numbers.flatMap((pid) => {
    const words = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    const traces = [
      words,
      read(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
      read(() => readlinkSync(`/proc/${pid}/cwd`)),
    ];
    return traces.some((text) => text.includes(folder)) ? [[Number(pid), words.replaceAll('\0', ' ')] as const] : [];
  });
  return new Map(found);
}

/** It may have ended meanwhile; a zombie has no traces. */
function read(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}

/** Waits until nothing works in the folder any more; gives what still does after a while. */
export async function untilGone(folder: string): Promise<Map<number, string>> {
  const end = Date.now() + GONE_MS_MAX;
  let left = leftovers(folder);
  while (left.size > 0 && Date.now() < end) {
    await sleep(20);
    left = leftovers(folder);
  }
  return left;
}
