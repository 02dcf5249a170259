/**
 * The only reader of /proc and of control groups, in which Linux tells of the machine's processes; elsewhere nothing is told. The formats are those
 * of proc(5) and cgroups(7).
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Kernel ticks in a second, as /proc counts processor time on every Linux. */
const TICKS_PER_SECOND = 100;

export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** When it was started, in ticks since the machine was: a number that is used again has another. */
  readonly born: number;
  /** User and system time of the process and of those of its children that have ended. */
  readonly cpuSeconds: number;
}

/** Of the fields of proc_pid_stat(5), counted from the state: user and system time, and those of children that have ended. */
const OWN_TIME_FIELD = 11;
const CHILDREN_TIME_FIELD = 13;
const STARTED_FIELD = 19;

function readProc(path: string): string | undefined {
  return readIfAny(`/proc/${path}`);
}

/** undefined also on another kernel than Linux. */
function readIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** proc_pid_stat(5): the fields after the parenthesised name, which may itself hold spaces and parentheses. */
function statFields(pid: number | 'self'): string[] {
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
    cpuSeconds: ticksToSeconds(fields.slice(OWN_TIME_FIELD, CHILDREN_TIME_FIELD + 2)),
  };
}

function ticksToSeconds(fields: readonly string[]): number {
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
 * Of one thread, ended or not, as long as nobody has asked for their exit codes. An empty list is certain; in another one
 * may be missing when another ended meanwhile. undefined where the kernel keeps no such lists.
 */
function childrenOf(pid: number, thread: number | string): number[] | undefined {
  return readProc(`${pid}/task/${thread}/children`)?.split(' ').filter(Boolean).map(Number);
}

/** Of this process, if its first thread is the only one that starts any: also what was given to it, as others lost their parents. */
export function ownChildren(): number[] | undefined {
  return childrenOf(process.pid, process.pid);
}

/** All that is below this process and has not ended; undefined where the kernel does not tell whose parent it is. */
export function allBelow(): ProcessState[] | undefined {
  const open = ownChildren();
  const found: ProcessState[] = [];
  for (let pid = open?.pop(); pid !== undefined; pid = open?.pop()) {
    const state = stateOf(pid);
    if (!state) continue;
    found.push(state);
    for (const thread of threadsOf(pid)) open?.push(...(childrenOf(pid, thread) ?? []));
  }
  return open && found;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
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

/** Memory in use, and the most that was; 0 where nothing is told of the process. */
export function memoryBytesOf(pid: number): { readonly resident: number; readonly peak: number } {
  const status = readProc(`${pid}/status`) ?? '';
  return { resident: kibIn(status, 'VmRSS') * 1024, peak: kibIn(status, 'VmHWM') * 1024 };
}

function kibIn(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}

/** Processor time of the children of this process that have ended, with all of theirs. */
export function endedChildrenCpuSeconds(): number {
  return ticksToSeconds(statFields('self').slice(CHILDREN_TIME_FIELD, CHILDREN_TIME_FIELD + 2));
}

/**
 * When it was started, in ticks since the machine was; undefined when there is no such process. Also of one that has ended,
 * as long as nobody has asked for its exit code.
 */
export function startTimeOf(pid: number): number | undefined {
  const started = statFields(pid)[STARTED_FIELD];
  return started === undefined ? undefined : Number(started);
}

/** What tells this start of the machine from every other. */
export function bootId(): string | undefined {
  return readProc('sys/kernel/random/boot_id')?.trim();
}

/** The words of its command line, each with a NUL after it. */
export function commandLineOf(pid: number | 'self'): Buffer | undefined {
  const text = readProc(`${pid}/cmdline`);
  return text === undefined ? undefined : Buffer.from(text, 'latin1');
}

/** Without a slash at its end; undefined where nothing is told of the process. */
export function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** How many processes the kernel has killed for want of memory since the machine started; undefined where it does not say. */
export function outOfMemoryKills(): number | undefined {
  return killsIn(readProc('vmstat'));
}

/** The same of the container that this process is in, by cgroup v2. */
export function outOfMemoryKillsInContainer(): number | undefined {
  return killsIn(readIfAny('/sys/fs/cgroup/memory.events'));
}

function killsIn(counters: string | undefined): number | undefined {
  const count = /^oom_kill (\d+)$/m.exec(counters ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Whether anything is told of processes here. */
export function isProcReadable(): boolean {
  return statFields('self').length > 1;
}
