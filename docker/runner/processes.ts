/** Processes of a job: which there are, what they use, and their end. Told by Linux's /proc; elsewhere little is known. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks in a second, as /proc counts processor time on every Linux. */
const TICKS_PER_SECOND = 100;
const LOOK_MS = 500;
/** Who forks while it is being killed is looked for again. */
const KILL_ROUNDS_MAX = 5;

interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** User and system time of the process and of those of its children that have ended. */
  readonly cpuSeconds: number;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
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
function stateOf(pid: number): ProcessState | undefined {
  const [state = '', parent, group, ...rest] = statFields(pid);
  if (state === '' || state === 'Z' || state === 'X') return undefined;
  const ticks = rest.slice(8, 12).reduce((sum, field) => sum + Number(field), 0);
  return { pid, parent: Number(parent), group: Number(group), cpuSeconds: ticks / TICKS_PER_SECOND };
}

function allProcesses(): ProcessState[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (stateOf(Number(name)) ?? []) : []));
  } catch {
    return [];
  }
}

/** Whether this process leads its own group, so that the whole group is its job. */
export function leadsGroup(): boolean {
  return send(-process.pid, 0);
}

export function signalGroup(group: number, signal: NodeJS.Signals): void {
  send(-group, signal);
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The processes that the work of this one consists of. */
export interface Family {
  /** Also holds the members of another group from now on. */
  adopt(group: number): void;
  members(): ProcessState[];
  signal(signal: NodeJS.Signals): void;
  kill(): void;
}

/**
 * All below this process, and the groups that they have been seen in: `timeout`, for one, makes a group of its own, and
 * loses its parent when the script is ended. A group is forgotten when it is empty, before its number can come again.
 */
export function ownFamily(leads: boolean): Family {
  const ownGroup = Number(statFields('self')[2]);
  let groups = new Set(leads ? [process.pid] : []);
  const members = (): ProcessState[] => {
    const all = allProcesses();
    if (all.length === 0) return [];
    const found = new Map(all.filter(({ group }) => groups.has(group)).map((state) => [state.pid, state]));
    const childrenOf = Map.groupBy(all, ({ parent }) => parent);
    for (const pid of new Set([process.pid, ...found.keys()])) addBelow(pid, childrenOf, found);
    found.delete(process.pid);
    groups = new Set([...found.values()].map(({ group }) => group));
    // The group that somebody else made for this process and for others is not the job's.
    if (leads) groups.add(process.pid);
    else groups.delete(ownGroup);
    return [...found.values()];
  };
  return {
    adopt: (group) => groups.add(group),
    members,
    signal(signal) {
      const found = members();
      for (const { pid } of found) send(pid, signal);
      // Where nothing is told of processes, groups are reached all the same; this process minds no second SIGTERM.
      if (found.length === 0) for (const group of groups) send(-group, signal);
    },
    kill() {
      for (let round = 0; round < KILL_ROUNDS_MAX; round++) {
        const left = members();
        if (left.length === 0) break;
        for (const { pid } of left) send(pid, 'SIGKILL');
      }
      for (const group of groups) if (group !== process.pid) send(-group, 'SIGKILL');
    },
  };
}

function addBelow(
  pid: number,
  childrenOf: ReadonlyMap<number, readonly ProcessState[]>,
  found: Map<number, ProcessState>,
): void {
  const open = [...(childrenOf.get(pid) ?? [])];
  for (let state = open.pop(); state; state = open.pop()) {
    found.set(state.pid, state);
    open.push(...(childrenOf.get(state.pid) ?? []));
  }
}

export interface Usage {
  /** Seconds of processor time of the family and of all that has ended in it. */
  readonly cpuSeconds: number;
  /**
   * Most memory in use at once, as far as looks now and then can tell; at least the largest process's own peak.
   * Unknown for what was over before the first look.
   */
  readonly memoryPeakBytes?: number;
}

/** Watches what a family that has just begun its work uses of the machine, until asked. */
export function watchUsage(family: Family): () => Usage {
  const endedBefore = endedSeconds();
  let cpuSeconds = 0;
  let memoryPeakBytes = 0;
  const look = (): void => {
    const members = family.members();
    const ended = endedSeconds() - endedBefore;
    cpuSeconds = Math.max(
      cpuSeconds,
      members.reduce((sum, state) => sum + state.cpuSeconds, ended),
    );
    let inUse = 0;
    for (const { pid } of members) {
      const status = readProc(`${pid}/status`) ?? '';
      inUse += kibOf(status, 'VmRSS') * 1024;
      memoryPeakBytes = Math.max(memoryPeakBytes, kibOf(status, 'VmHWM') * 1024);
    }
    memoryPeakBytes = Math.max(memoryPeakBytes, inUse);
  };
  // Short scripts are seen too: the first looks come soon.
  const early = [1, 5, 25, 100, 250].map((ms) => setTimeout(look, ms).unref());
  const timer = setInterval(look, LOOK_MS).unref();
  return () => {
    for (const each of early) clearTimeout(each);
    clearInterval(timer);
    look();
    return { cpuSeconds, ...(memoryPeakBytes > 0 ? { memoryPeakBytes } : {}) };
  };
}

/** Processor time of the children of this process that have ended, with all of theirs. */
function endedSeconds(): number {
  const fields = statFields('self');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / TICKS_PER_SECOND;
}

function kibOf(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}
