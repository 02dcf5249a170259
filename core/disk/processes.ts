/**
 * Processes of jobs, and their end. A job's processes carry its mark in their environment, which a process gives to what it
 * starts: also to daemons, which leave their parent, their group and their session.
 */
import type { ProcessState } from '../proc.ts';

/** What forks faster than it is killed is left to whoever looks again. */
const KILL_ROUNDS_MAX = 100;

/** The variable that tells of which job a process is: the job's id, and after a slash what tells its tries apart. */
export const JOB_MARK = 'REDEX_JOB';

/** Adds all that is below the process to `found`. */
export function addBelow(
  pid: number,
  childrenOf: ReadonlyMap<number, readonly ProcessState[]>,
  found: Map<number, ProcessState>,
): void {
  const open = [...(childrenOf.get(pid) ?? [])];
  for (let state = open.pop(); state; state = open.pop()) {
    if (found.has(state.pid)) continue;
    found.set(state.pid, state);
    open.push(...(childrenOf.get(state.pid) ?? []));
  }
}

/** Whether there was one to send it to. A negative number is that of a group. */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Kills what is found until nothing is found that was not killed before: what was started while the others were killed
 * is seen by the next look, and what has been killed starts nothing any more. Gives the numbers of all.
 */
export function killAll(find: () => readonly ProcessState[]): number[] {
  const killed = new Map<string, number>();
  for (let round = 0; round < KILL_ROUNDS_MAX; round++) {
    const left = find().filter(({ pid, born }) => !killed.has(`${pid} ${born}`));
    if (left.length === 0) break;
    for (const { pid, born } of left) {
      send(pid, 'SIGKILL');
      killed.set(`${pid} ${born}`, pid);
    }
  }
  return [...killed.values()];
}
