/**
 * The machine's processes as Linux tells of them under /proc; elsewhere nothing is told. A job's processes carry its mark
 * in their environment, which a process gives to what it starts: also to daemons, which leave their parent, their group
 * and their session.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks in a second, as /proc counts processor time on every Linux. */
const TICKS_PER_SECOND = 100;
/** What forks faster than it is killed is left to whoever looks again. */
const KILL_ROUNDS_MAX = 100;

/** The variable that tells of which job a process is: the job's id, and after a slash what tells its tries apart. */
export const JOB_MARK = 'REDEX_JOB';

export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** When it was started, in ticks since the machine was: a number that is used again has another. */
  readonly born: number;
  /** User and system time of the process and of those of its children that have ended. */
  readonly cpuSeconds: number;
}

/** Of the fields of proc_pid_stat(5), counted from the state. */
export const STARTED_FIELD = 19;

export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}

/** proc_pid_stat(5): the fields after the parenthesised name, which may itself hold spaces and parentheses. */
export function statFields(pid: number | 'self'): string[] {
  const text = readProc(`${pid}/stat`) ?? '';
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** undefined for one that has ended, also when nobody has asked for its exit code yet. */
export function stateOf(pid: number | 'self'): ProcessState | undefined {
  const fields = statFields(pid);
  const [state = '', parent, group] = fields;
  if (state === '' || state === 'Z' || state === 'X') return undefined;
  return {
    pid: pid === 'self' ? process.pid : pid,
    parent: Number(parent),
    group: Number(group),
    born: Number(fields[STARTED_FIELD]),
    cpuSeconds: ticksToSeconds(fields.slice(11, 15)),
  };
}

export function ticksToSeconds(fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + Number(field), 0) / TICKS_PER_SECOND;
}

export function allProcesses(): ProcessState[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (stateOf(Number(name)) ?? []) : []));
  } catch {
    return [];
  }
}

/**
 * The first of these variables that there is in the environment that a process was started with; undefined also where it
 * is not ours to read.
 */
export function variableOf(pid: number, ...names: readonly string[]): string | undefined {
  const pairs = environmentOf(pid) ?? [];
  for (const name of names) {
    const pair = pairs.find((each) => each.startsWith(`${name}=`));
    if (pair !== undefined) return pair.slice(name.length + 1);
  }
  return undefined;
}

/** As `NAME=value`. It is empty in a process that is just becoming another program. */
export function environmentOf(pid: number): string[] | undefined {
  return readProc(`${pid}/environ`)?.split('\0').filter(Boolean);
}

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
