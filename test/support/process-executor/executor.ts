/**
 * The smallest kind of executor: each job is a child process of whoever submits it, and is forgotten with it. It shows what
 * a kind takes, and that the engine knows of no other.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Executor, ExecutorJob, JobReport, JobState, SubmissionRequest } from '../../../core/engine/executor.ts';
import { causeOfRunner } from '../../../core/engine/exit-codes.ts';
import { processJobIds } from './job-ids.ts';

export interface ProcessSettings {
  /** The words that start the runner. */
  readonly runner: readonly string[];
  /** What jobs have in their environment beside what they are told of themselves. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface ProcessExecutor extends Executor {
  /** Ends whatever runs, and resolves when all has ended. */
  close(): Promise<void>;
}

interface Job {
  readonly job: ExecutorJob;
  readonly child: ChildProcess;
  readonly queuedAt: number;
  readonly ended: Promise<unknown>;
  state: JobState;
  endedAt?: number;
  isStopped: boolean;
}

interface Submission {
  readonly name: string;
  readonly jobs: readonly Job[];
}

/** `onEnd` is told of each job that ends, as an event would tell of it. */
export function processExecutor(
  { runner, variables }: ProcessSettings,
  onEnd: (report: JobReport) => void = () => undefined,
): ProcessExecutor {
  const submissions = new Map<string, Submission>();

  function begin(name: string, job: ExecutorJob, spec: string): Job {
    const [file = '', ...words] = runner;
    const own = {
      REDEX_SPEC: spec,
      REDEX_JOB_ID: processJobIds.of(job),
      ...(job.index !== undefined && { REDEX_JOB_INDEX: String(job.index) }),
    };
    const child = spawn(file, words, { env: { ...variables, ...own }, stdio: 'ignore' });
    const { promise: ended, resolve } = Promise.withResolvers<unknown>();
    const begun: Job = { job, child, queuedAt: Date.now(), ended, state: { is: 'running' }, isStopped: false };
    child.once('error', (error) => over({ is: 'over', ended: 'not-started', said: error.message }));
    child.once('exit', (code, signal) => {
      const exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
      over({ is: 'over', ...endOfProcess(exitCode, begun.isStopped), exitCode });
    });
    function over(state: JobState): void {
      begun.state = state;
      begun.endedAt = Date.now();
      resolve(undefined);
      onEnd(reportOn(name, begun));
    }
    return begun;
  }

  function submit({ name, spec, size }: SubmissionRequest): string {
    const submission = `process-${submissions.size + 1}`;
    const jobs = Array.from({ length: size }, (_, index) =>
      begin(name, size > 1 ? { submission, index } : { submission }, spec),
    );
    submissions.set(submission, { name, jobs });
    return submission;
  }

  function look({ submission, index }: ExecutorJob): JobReport[] {
    const found = submissions.get(submission);
    if (!found) return [];
    const { name, jobs } = found;
    if (index === undefined && jobs.length > 1) return [reportOnArray(submission, found)];
    const job = jobs[index ?? 0];
    return job ? [reportOn(name, job)] : [];
  }

  function stop(submission: string): void {
    for (const job of submissions.get(submission)?.jobs ?? []) {
      if (job.state.is === 'over') continue;
      job.isStopped = true;
      job.child.kill('SIGTERM');
    }
  }

  return {
    limits: {
      jobsPerSubmission: 100,
      submissionsPerSecond: 100,
      requestMsMax: 1_000,
      jobsPerLook: 1_000,
      lookupLagMs: 0,
    },
    ids: processJobIds,
    submit: (request) => Promise.resolve({ kind: 'accepted', id: submit(request) }),
    find: (name) => Promise.resolve([...submissions].flatMap(([id, found]) => (found.name === name ? [id] : []))),
    look: (jobs) => Promise.resolve(jobs.flatMap(look)),
    stop: (submission) => Promise.resolve(stop(submission)),
    async close() {
      for (const submission of submissions.keys()) stop(submission);
      await Promise.all([...submissions.values()].flatMap(({ jobs }) => jobs.map(({ ended }) => ended)));
    },
  };
}

function endOfProcess(exitCode: number, isStopped: boolean) {
  if (isStopped) return { ended: 'interrupted', said: 'the process was stopped' } as const;
  if (exitCode === 0) return { ended: 'well', said: 'the process exited' } as const;
  return { ended: causeOfRunner(exitCode) ?? 'program', said: 'the process failed' } as const;
}

function reportOn(name: string, { job, state, queuedAt, endedAt }: Job): JobReport {
  const times = { queuedAt, startedAt: queuedAt, ...(endedAt !== undefined && { endedAt }) };
  return { job, name, state, times };
}

function reportOnArray(submission: string, { name, jobs }: Submission): JobReport {
  const states = jobs.map(({ state }) => state);
  const isOver = states.every(({ is }) => is === 'over');
  const isWell = states.every((state) => state.is === 'over' && state.ended === 'well');
  const ended = isWell ? 'well' : 'program';
  const state: JobState = isOver ? { is: 'over', ended, said: 'all its processes have ended' } : { is: 'running' };
  return { job: { submission }, name, state, times: {} };
}
