/** One job as a child process: from its start to the end of all its processes. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { removeShortNames } from '../../core/disk/short-names.ts';
import { outOfMemoryKills } from '../../core/proc.ts';
import { present } from '../../core/values/present.ts';
import { jobKiller, signalProcess } from '../processes.ts';
import { removeContainers } from './docker.ts';

export interface Launch {
  /** The job's id, which its processes carry in their environment. */
  readonly job: string;
  readonly command: readonly string[];
  readonly variables: NodeJS.ProcessEnv;
  /** What other jobs are told, too: of a job whose runner may have had another before. undefined: it has its own. */
  readonly shared?: NodeJS.ProcessEnv | undefined;
  readonly folder: string;
  readonly log: string;
  /** Name of its Docker container, if it has one. */
  readonly dockerName: string | undefined;
}

export interface Exit {
  readonly exitCode?: number;
  /** Set when what ended this process reached the job, too, which had no group of its own yet. */
  readonly interrupted?: true;
  /** As AWS Batch words it, where the container itself had trouble. */
  readonly containerReason?: string;
}

export interface Execution {
  /** 0 where the job has no process of its own. */
  readonly pid: number;
  /** Asks the job to end, and after `graceMs` ends it and all its processes. */
  stop(graceMs: number): void;
  /** Ends it and all its processes at once. */
  kill(): void;
  readonly ended: Promise<Exit>;
}

/** Starts a job; one that cannot be started gives the reason. */
export type StartExecution = (launch: Launch) => Promise<Execution | { readonly failed: string }>;

/** As a child process. */
export async function startExecution(launch: Launch): ReturnType<StartExecution> {
  const killsBefore = outOfMemoryKills();
  let child: ChildProcess;
  let log: number | undefined;
  try {
    log = openSync(launch.log, 'a', 0o600);
    const [file = '', ...args] = launch.command;
    child = spawn(file, args, {
      cwd: launch.folder,
      env: launch.variables,
      // A session and process group of its own: Ctrl-C in the terminal is not for jobs, and the group can be killed.
      detached: true,
      // Nobody writes into the pipe: it is open as long as this process lives.
      stdio: ['pipe', log, log],
    });
  } catch (error) {
    return { failed: String(error) };
  } finally {
    if (log !== undefined) closeSync(log);
  }
  const started = await spawned(child);
  if (started !== undefined) return { failed: started };
  return follow(child, launch, killsBefore);
}

/** Resolves when the process is there, or to the reason why it is not. */
function spawned(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', (error) => resolve(error.message));
  });
}

function follow(child: ChildProcess, launch: Launch, killsBefore: number | undefined): Execution {
  const pid = present(child.pid, 'process, though it was started');
  const killProcesses = jobKiller(launch.job, pid);
  let killTimer: NodeJS.Timeout | undefined;
  let killedByUs = false;
  // The child may close its end first.
  child.stdin?.on('error', () => undefined);
  child.on('error', () => undefined);
  const kill = (): void => {
    killedByUs = true;
    killProcesses();
    if (launch.dockerName) void removeContainers([launch.dockerName], launch.variables);
  };
  const ended = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      clearTimeout(killTimer);
      // What the job left running in the background goes with it, as it would with a container.
      killProcesses();
      if (signal) removeShortNames(launch.job);
      child.stdin?.destroy();
      resolve(
        exitOf(code, signal, !killedByUs && (outOfMemoryKills() ?? 0) > (killsBefore ?? Number.POSITIVE_INFINITY)),
      );
    });
  });
  return {
    pid,
    kill,
    stop: (graceMs) => {
      // Only the leader is told, as in a container: it passes the signal on as it sees fit.
      signalProcess(pid, 'SIGTERM');
      killTimer ??= setTimeout(kill, graceMs);
    },
    ended,
  };
}

/**
 * What terminals and their like send to whole groups of processes. The runner listens for them: one that is ended by them
 * did not run yet, and was still in this process's group.
 */
const TO_GROUPS: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGHUP', 'SIGTERM']);

/** `kernelKilled`: whether something was killed for want of memory meanwhile. */
export function exitOf(code: number | null, signal: NodeJS.Signals | null, kernelKilled: boolean): Exit {
  const exitCode = code ?? (signal ? 128 + constants.signals[signal] : undefined);
  if (exitCode === undefined) return {};
  if (signal && TO_GROUPS.has(signal)) return { exitCode, interrupted: true };
  const outOfMemory = exitCode === 128 + constants.signals.SIGKILL && kernelKilled;
  return {
    exitCode,
    ...(outOfMemory && { containerReason: 'OutOfMemoryError: Container killed due to memory usage' }),
  };
}
