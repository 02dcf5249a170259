/** Processes of jobs, as Linux tells of them under /proc. Elsewhere nothing is told, and jobs must see their parent's end. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}

/** Field numbers of proc_pid_stat(5), counted from the state, which follows the parenthesised name. */
const PROCESS_GROUP = 2;
const START_TIME = 19;

function statFields(pid: number): string[] | undefined {
  const stat = readProc(`${pid}/stat`);
  // The name may itself hold spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** What tells a process from every other that has had, or will have, its number; undefined when there is none. */
export function birthOf(pid: number): string | undefined {
  const started = statFields(pid)?.[START_TIME];
  return started && `${readProc('sys/kernel/random/boot_id')?.slice(0, 8)}:${started}`;
}

/** Sends the signal to every process of the group; whether there was one. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  return send(-leader, signal);
}

export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return send(pid, signal);
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export interface RecordedProcess {
  readonly job: string;
  /** Undefined when the owner died before it could write it down. */
  readonly pid?: number;
  readonly birth?: string;
}

/** Kills what is left of the jobs of an owner that died; gives the numbers of the processes that were still there. */
export function killOrphans(recorded: readonly RecordedProcess[], workFolder: string): number[] {
  if (recorded.length === 0) return [];
  const jobs = new Set(recorded.map(({ job }) => job));
  const groups = new Map(recorded.flatMap((process) => (process.pid ? [[process.pid, process] as const] : [])));
  const orphans = processNumbers().filter((pid) => {
    const job = jobOf(pid);
    if (job !== undefined) return jobs.has(job);
    const leader = groups.get(Number(statFields(pid)?.[PROCESS_GROUP]));
    return leader !== undefined && isOfGroup(pid, leader, workFolder);
  });
  for (const pid of orphans) signalProcess(pid, 'SIGKILL');
  return orphans;
}

function processNumbers(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** The job that a process belongs to, by its environment. Scripts run in an environment without it. */
function jobOf(pid: number): string | undefined {
  return readProc(`${pid}/environ`)
    ?.split('\0')
    .find((pair) => pair.startsWith('AWS_BATCH_JOB_ID='))
    ?.slice('AWS_BATCH_JOB_ID='.length);
}

/**
 * Whether a process that is in the group with the leader's number is in the leader's group. Once the leader is gone,
 * its number may have been given to another; then only a process at work in the cloud's own folder counts.
 */
function isOfGroup(pid: number, leader: RecordedProcess, workFolder: string): boolean {
  const birth = leader.pid === undefined ? undefined : birthOf(leader.pid);
  if (birth !== undefined) return birth === leader.birth;
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${workFolder}/`);
  } catch {
    return false;
  }
}

/** How many processes the kernel has killed for want of memory since it started; undefined where it does not say. */
export function outOfMemoryKills(): number | undefined {
  const count = /^oom_kill (\d+)$/m.exec(readProc('vmstat') ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}
