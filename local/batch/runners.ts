/**
 * Runners that take one job after another, so that a job need not wait for a start of Node, nor pay for it. There are as
 * many as jobs run at once.
 *
 * 1. A job that may not share a process, or that no runner has taken, has a process of its own.
 * 2. A runner that is asked to end, or whose job did not end as jobs do (`docker/runner/serve.ts`), takes no other.
 * 3. Its end is the end of its job, as that of a job's own process is.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeShortNames } from '../../core/disk/short-names.ts';
import type { ServeReply, ServeRequest } from '../../core/engine/serving.ts';
import { outOfMemoryKills } from '../../core/proc.ts';
import { stored } from '../../core/values/json.ts';
import { jobKiller, signalProcess } from '../processes.ts';
import { type Execution, type Exit, exitOf, type Launch, type StartExecution, startExecution } from './execution.ts';

export interface JobRunners {
  readonly start: StartExecution;
  /** Ends those that have no job; the others end with theirs. */
  close(): void;
}

/** For a next job to come. */
const IDLE_MS_MAX = 30_000;
/** For what a runner that has ended wrote to come through its pipe. */
const LAST_WORDS_MS_MAX = 500;

interface Runner {
  readonly process: ChildProcessWithoutNullStreams;
  readonly pid: number;
  job?: RunnersJob | undefined;
}

interface RunnersJob {
  readonly launch: Launch;
  readonly killProcesses: () => void;
  readonly killsBefore: number | undefined;
  readonly taken: PromiseWithResolvers<boolean>;
  readonly ended: PromiseWithResolvers<Exit>;
  killTimer?: NodeJS.Timeout;
  killedByUs: boolean;
}

export function jobRunners(): JobRunners {
  const idle = new Map<Runner, NodeJS.Timeout>();
  let closed = false;

  const end = (runner: Runner): void => {
    leaveIdle(runner);
    runner.process.stdin.end();
  };
  const leaveIdle = (runner: Runner): void => {
    clearTimeout(idle.get(runner));
    idle.delete(runner);
  };
  /** `isSound`: nothing of its last job is left. */
  const rest = (runner: Runner, isSound: boolean): void => {
    if (closed || !isSound) {
      end(runner);
      return;
    }
    keepAlive(runner, false);
    idle.set(runner, setTimeout(end, IDLE_MS_MAX, runner).unref());
  };
  const open = (launch: Launch): Runner | undefined => openRunner(launch, rest, leaveIdle);

  return {
    start: async (launch) => {
      if (launch.shared === undefined) return await startExecution(launch);
      const runner = idle.keys().next().value ?? open(launch);
      if (runner) leaveIdle(runner);
      // One that cannot be started says why when it is started by itself.
      return (runner && (await give(runner, launch))) ?? (await startExecution(launch));
    },
    close: () => {
      closed = true;
      for (const runner of idle.keys()) end(runner);
    },
  };
}

function openRunner(
  { command, folder, shared }: Launch,
  rest: (runner: Runner, isSound: boolean) => void,
  gone: (runner: Runner) => void,
): Runner | undefined {
  const [file = '', ...args] = command;
  const child = spawn(file, [...args, '--serve'], { cwd: folder, env: shared, detached: true, stdio: 'pipe' });
  child.on('error', () => undefined);
  // It may be gone when it is given a job.
  child.stdin.on('error', () => undefined);
  if (child.pid === undefined) return undefined;
  const runner: Runner = { process: child, pid: child.pid };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const isSound = hear(runner, stored<ServeReply>(line));
    if (isSound !== undefined) rest(runner, isSound);
  });
  // Its own last words are those of its job.
  child.stderr.on('data', (text: Buffer) => runner.job && append(runner.job.launch.log, text));
  child.once('exit', (code, signal) => {
    gone(runner);
    void tellEnd(runner, code, signal);
  });
  return runner;
}

/** The job as an execution, when the runner has taken it. */
async function give(runner: Runner, launch: Launch): Promise<Execution | undefined> {
  const job: RunnersJob = {
    launch,
    killProcesses: jobKiller(launch.job, runner.pid),
    killsBefore: outOfMemoryKills(),
    taken: Promise.withResolvers(),
    ended: Promise.withResolvers(),
    killedByUs: false,
  };
  runner.job = job;
  keepAlive(runner, true);
  const { job: id, variables, log } = launch;
  const request: ServeRequest = { job: id, variables, log };
  runner.process.stdin.write(`${JSON.stringify(request)}\n`);
  if (!(await job.taken.promise)) return undefined;
  const kill = (): void => {
    job.killedByUs = true;
    job.killProcesses();
  };
  return {
    pid: runner.pid,
    kill,
    stop: (graceMs) => {
      // Only the runner is told, as in a container: it passes the signal on as it sees fit.
      signalProcess(runner.pid, 'SIGTERM');
      job.killTimer ??= setTimeout(kill, graceMs);
    },
    ended: job.ended.promise,
  };
}

/** Gives whether the runner may have another job, when it has none any more. What it says before it ends is told by its end. */
function hear(runner: Runner, reply: ServeReply): boolean | undefined {
  const { job } = runner;
  if ('taken' in reply) job?.taken.resolve(true);
  if (!job || !('ended' in reply) || !reply.again) return undefined;
  runner.job = undefined;
  clearTimeout(job.killTimer);
  job.ended.resolve({ exitCode: reply.exitCode });
  return job.killTimer === undefined && !job.killedByUs;
}

/** The end of a runner is the end of its job. */
async function tellEnd(runner: Runner, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
  const { job } = runner;
  if (!job) return;
  clearTimeout(job.killTimer);
  job.killProcesses();
  if (signal) removeShortNames(job.launch.job);
  const isKernels = !job.killedByUs && (outOfMemoryKills() ?? 0) > (job.killsBefore ?? Number.POSITIVE_INFINITY);
  if (!runner.process.stderr.readableEnded) {
    const said = new Promise((resolve) => runner.process.stderr.once('close', resolve));
    await Promise.race([said, sleep(LAST_WORDS_MS_MAX)]);
  }
  // Without effect where the job was taken.
  job.taken.resolve(false);
  job.ended.resolve(exitOf(code, signal, isKernels));
}

function append(log: string, text: Buffer): void {
  try {
    appendFileSync(log, text, { mode: 0o600 });
  } catch {
    // On a full disk it is lost.
  }
}

/** Whether this process waits for the runner before it ends. */
function keepAlive({ process: child }: Runner, on: boolean): void {
  const change = on ? 'ref' : 'unref';
  child[change]();
  // Pipes of a child are sockets.
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream[change]();
}
