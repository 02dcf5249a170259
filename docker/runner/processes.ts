/** Processes of a job: the group they are in, what they use, and their end. What /proc tells is told on Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { setInterval } from 'node:timers';

/** Kernel ticks in a second, as /proc counts processor time on every Linux. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 500;

interface ProcessState {
  readonly pid: number;
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
function stateOf(pid: number | 'self'): ProcessState | undefined {
  const text = readProc(`${pid}/stat`);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (!text || !fields) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number.parseInt(text, 10), group: Number(fields[2]), cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** The processes of the group, this one left out. */
function membersOf(group: number): ProcessState[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const state = /^\d+$/.test(name) ? stateOf(Number(name)) : undefined;
    return state && state.group === group && state.pid !== process.pid ? [state] : [];
  });
}

/** Whether this process leads its own group, so that the whole group is its job. */
export function leadsGroup(): boolean {
  return signalGroup(process.pid, 0);
}

export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** Ends every process of the group at once, except this one. */
export function killOthers(group: number): void {
  for (const { pid } of membersOf(group)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  if (group !== process.pid) signalGroup(group, 'SIGKILL');
}

export interface Usage {
  /** Seconds of processor time of the group and of all that has ended in it. */
  readonly cpuSeconds: number;
  /** Most memory in use at once, as far as looks now and then can tell; at least the largest process's own peak. Unknown for what was over before the first look. */
  readonly memoryPeakBytes?: number;
}

/** Watches what a group that has just begun its work uses of the machine, until asked. */
export function watchUsage(group: number): () => Usage {
  const endedBefore = endedSeconds();
  let cpuSeconds = 0;
  let memoryPeakBytes = 0;
  const look = (): void => {
    const members = membersOf(group);
    cpuSeconds = Math.max(
      cpuSeconds,
      members.reduce((sum, state) => sum + state.cpuSeconds, endedSeconds() - endedBefore),
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
  const timer = setInterval(look, SAMPLE_MS).unref();
  return () => {
    for (const each of early) clearTimeout(each);
    clearInterval(timer);
    look();
    return { cpuSeconds, ...(memoryPeakBytes > 0 ? { memoryPeakBytes } : {}) };
  };
}

/** Processor time of the children of this process that have ended, with all of theirs. */
function endedSeconds(): number {
  const text = readProc('self/stat') ?? '';
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / TICKS_PER_SECOND;
}

function kibOf(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}
