/** Processes of a job: which there are, what they use, and their end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { addBelow, JOB_MARK, killAll, send } from '../../core/disk/processes.ts';
import {
  allBelow,
  allProcesses,
  endedChildrenCpuSeconds,
  environmentOf,
  memoryBytesOf,
  ownChildren,
  type ProcessState,
  stateOf,
} from '../../core/proc.ts';

const LOOK_MS = 500;
/** What has been killed is gone at once, but for what waits for a device. */
const GONE_MS_MAX = 2000;
const GONE_LOOK_MS = 5;
const OTHERS_KEPT = 10_000;

/** Whether this process leads its own group, so that the whole group is the job's. */
export function leadsGroup(): boolean {
  return send(-process.pid, 0);
}

export function signalGroup(group: number, signal: NodeJS.Signals): void {
  send(-group, signal);
}

/** The processes that the work of this one consists of. */
export interface JobProcesses {
  /** Also holds the members of another group from now on. */
  addGroup(group: number): void;
  members(): ProcessState[];
  /** Nearly the same, for whoever looks often: at the cost of what is found, not of all processes of the machine. */
  glance(): ProcessState[];
  signal(signal: NodeJS.Signals): void;
  kill(): void;
  /** Kills, and waits until they are gone. */
  end(): Promise<void>;
  /** Whether it is certain that nothing is left of what was started here, not even one that has only ended. */
  areNone(): boolean;
}

/**
 * All that has the mark, all below this process, all that was ever seen to be one of them, and the groups that they have
 * been seen in: `timeout`, for one, makes a group of its own, and loses its parent when the script is ended. A group is
 * forgotten when it is empty, before its number can come again. `reaps`: this process becomes the parent of whatever below
 * it loses its own, so that where nothing is below it there is none, whoever else there is.
 */
export function jobProcesses(leads: boolean, mark: string, reaps: boolean): JobProcesses {
  const self = stateOf('self');
  let groups = new Set(leads ? [process.pid] : []);
  let seen = new Map<number, number>();
  const hasMark = markReader(mark);
  const isOurs = (state: ProcessState): boolean => {
    // What is older than its job is none of its processes.
    if (state.born < (self?.born ?? 0)) return false;
    return groups.has(state.group) || seen.get(state.pid) === state.born || hasMark(state);
  };
  const lookAround = (): Map<number, ProcessState> => {
    const all = allProcesses();
    const found = new Map(all.filter(isOurs).map((state) => [state.pid, state]));
    const byParent = Map.groupBy(all, ({ parent }) => parent);
    for (const pid of new Set([process.pid, ...found.keys()])) addBelow(pid, byParent, found);
    found.delete(process.pid);
    return found;
  };
  const areNone = (): boolean => reaps && ownChildren()?.length === 0;
  const members = (): ProcessState[] => {
    const found = areNone() ? new Map<number, ProcessState>() : lookAround();
    seen = new Map([...found.values()].map(({ pid, born }) => [pid, born]));
    groups = new Set([...found.values()].map(({ group }) => group));
    // The group that somebody else made for this process and for others is not the job's.
    if (leads) groups.add(process.pid);
    else if (self) groups.delete(self.group);
    return [...found.values()];
  };
  const kill = (): void => {
    killAll(members);
    for (const group of groups) if (group !== process.pid) send(-group, 'SIGKILL');
  };
  return {
    addGroup: (group) => groups.add(group),
    members,
    glance: () => (reaps ? allBelow() : undefined) ?? members(),
    signal(signal) {
      const found = members();
      for (const { pid } of found) send(pid, signal);
      // Where nothing is told of processes, groups are reached all the same; this process minds no second SIGTERM.
      if (found.length === 0) for (const group of groups) send(-group, signal);
    },
    kill,
    async end() {
      kill();
      for (const until = Date.now() + GONE_MS_MAX; members().length > 0 && Date.now() < until; ) {
        await sleep(GONE_LOOK_MS);
      }
    },
    areNone,
  };
}

/** Whether a process has the mark. Those of others are many, and are asked once: they never get it. */
function markReader(mark: string): (state: ProcessState) => boolean {
  const others = new Map<number, number>();
  return ({ pid, born }) => {
    if (others.get(pid) === born) return false;
    const environment = environmentOf(pid);
    if (environment?.includes(`${JOB_MARK}=${mark}`)) return true;
    // Days of a busy machine are not remembered.
    if (others.size >= OTHERS_KEPT) others.clear();
    if (environment?.length !== 0) others.set(pid, born);
    return false;
  };
}

export interface Usage {
  /** Seconds of processor time of the processes and of all of them that have ended. */
  readonly cpuSeconds: number;
  /**
   * Most memory in use at once, as far as looks now and then can tell; at least the largest process's own peak.
   * Unknown for what was over before the first look.
   */
  readonly memoryPeakBytes?: number;
}

/** Watches what processes that have just begun their work use of the machine, until asked. */
export function watchUsage(processes: JobProcesses): () => Usage {
  const endedBefore = endedChildrenCpuSeconds();
  let cpuSeconds = 0;
  let memoryPeakBytes = 0;
  const look = (): void => {
    const members = processes.glance();
    const ended = endedChildrenCpuSeconds() - endedBefore;
    cpuSeconds = Math.max(
      cpuSeconds,
      members.reduce((sum, state) => sum + state.cpuSeconds, ended),
    );
    let inUse = 0;
    for (const { pid } of members) {
      const { resident, peak } = memoryBytesOf(pid);
      inUse += resident;
      memoryPeakBytes = Math.max(memoryPeakBytes, peak);
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
