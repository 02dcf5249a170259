/** Processes of jobs on this machine. Where nothing is told of processes, jobs must see their parent's end. */
import { addBelow, JOB_MARK, killAll, send } from '../core/disk/processes.ts';
import { allProcesses, bootId, type ProcessState, startTimeOf, variableOf, workingDirectoryOf } from '../core/proc.ts';

/** What tells a process from every other that has had, or will have, its number; undefined when there is none. */
export function birthOf(pid: number): string | undefined {
  const started = startTimeOf(pid);
  return started === undefined ? undefined : `${bootId()?.slice(0, 8)}:${started}`;
}

export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return send(pid, signal);
}

/**
 * Gives what kills a job whose first process has just been started, or what that has left: its group, all that is below
 * it, and what has the job's mark.
 */
export function jobKiller(job: string, leader: number): () => void {
  const born = startTimeOf(leader) ?? 0;
  return () => {
    // Looked for before anything is killed: what has lost its parent is below nobody any more.
    const below = new Map<number, ProcessState>();
    const childrenOf = Map.groupBy(allProcesses(), ({ parent }) => parent);
    addBelow(leader, childrenOf, below);
    send(-leader, 'SIGKILL');
    const isLeft = (state: ProcessState): boolean =>
      // What is older than the job is none of its processes.
      state.born >= born && (below.get(state.pid)?.born === state.born || jobOf(state.pid) === job);
    killAll(() => allProcesses().filter(isLeft));
  };
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
  const isOrphan = ({ pid, group }: ProcessState): boolean => {
    const job = jobOf(pid);
    if (job !== undefined) return jobs.has(job);
    const leader = groups.get(group);
    return leader !== undefined && isOfGroup(pid, leader, workFolder);
  };
  return killAll(() => allProcesses().filter(isOrphan));
}

/** The job that a process belongs to, by its environment: the runner's own, or that of what it started. */
function jobOf(pid: number): string | undefined {
  return variableOf(pid, 'AWS_BATCH_JOB_ID', JOB_MARK)?.split('/', 1)[0];
}

/**
 * Whether a process that is in the group with the leader's number is in the leader's group. Once the leader is gone,
 * its number may have been given to another; then only a process at work in the cloud's own folder counts.
 */
function isOfGroup(pid: number, leader: RecordedProcess, workFolder: string): boolean {
  const birth = leader.pid === undefined ? undefined : birthOf(leader.pid);
  if (birth !== undefined) return birth === leader.birth;
  const directory = workingDirectoryOf(pid);
  return directory !== undefined && `${directory}/`.startsWith(`${workFolder}/`);
}
