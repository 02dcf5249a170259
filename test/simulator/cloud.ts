/** The services of one simulated account, and the ports on them as a process of it sees them. */

import { batchJobIds } from '../../core/aws/batch/job-ids.ts';
import { reportOf } from '../../core/aws/batch/jobs.ts';
import { BATCH_LIMITS } from '../../core/aws/batch/limits.ts';
import { reasonText } from '../../core/aws/batch/reasons.ts';
import type { ExecutorJob, StopReason, SubmissionRequest, SubmitOutcome } from '../../core/engine/executor.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import type { Files, Host, Objects, RunSummary, Seen, World } from '../../core/engine/ports.ts';
import type { WarmGraphs } from '../../core/engine/warm.ts';
import { errorValue } from '../../core/graph/errors.ts';
import type { RunId } from '../../core/values/ids.ts';
import { ABSENT } from '../../core/values/table.ts';
import {
  memoryAttempts,
  memoryCache,
  memoryJournal,
  memoryObjects,
  memorySummaries,
} from '../support/memory/storage.ts';
import { type Container, EPOCH, type SimulatedBatch, simulatedBatch } from './batch.ts';
import { call, type Process, type Simulation, sleep } from './process.ts';
import { type Queue, queueOf } from './queue.ts';
import { REFUSED, runJob } from './runner.ts';
import { type Truth, truthOf } from './truth.ts';
import { unseenMessage } from './workflows.ts';

export const STACK = 'sim';

type Leaf = Parameters<Files['observe']>[0][number];

export interface Cloud {
  readonly simulation: Simulation;
  readonly queue: Queue;
  readonly batch: SimulatedBatch;
  readonly truth: Truth;
  /** As it is stored. */
  summaryOf(run: RunId): RunSummary | undefined;
  readonly journal: World['journal'];
  readonly objects: World['objects'];
  readonly ended: RunSummary[];
  loseSnapshots(): void;
  /** The ports of a handler. */
  worldFor(environment: Environment, process: Process): World;
}

/** Where handlers run one after another: their clock and the graphs they keep. */
export interface Environment {
  readonly name: string;
  readonly skewMs: number;
  warm: WarmGraphs;
  process: Process | undefined;
}

/** Exit code of a runner that met a bug. */
const TROUBLE = 70;
const MACHINE_LOST_MAX = 3;
const OTHER_LOSSES_MAX = 1;
const WORK_MS_MAX = 240_000;

export function cloudOf(simulation: Simulation, host: Host, refusedExitCode: number = REFUSED): Cloud {
  const { time, random, faults } = simulation;
  const journal = memoryJournal();
  const summaries = memorySummaries();
  const stored = new Map<RunId, RunSummary>();
  const cache = memoryCache();
  const attempts = memoryAttempts();
  const objects = memoryObjects();
  const ended: RunSummary[] = [];
  const losses = new Map<string, number>();
  const queue = queueOf(simulation);

  /** Of the work of a container; known once its spec was read here, behind the simulation's back. */
  const works = new Map<string, string>();

  function mayLose(container: Container, cause: string): boolean {
    const key = `${works.get(container.id) ?? container.id} ${cause}`;
    const count = losses.get(key) ?? 0;
    if (count >= (cause === 'machine-lost' ? MACHINE_LOST_MAX : OTHER_LOSSES_MAX)) return false;
    losses.set(key, count + 1);
    return true;
  }

  const batch: SimulatedBatch = simulatedBatch(simulation, {
    emit: (described) => queue.event({ kind: 'report', report: reportOf(described) }),
    mayLose,
    accepted: (job) => {
      truth.accepted(job);
      for (const { id, index } of job.containers) {
        void readSpec(objects, job.request.spec, index ?? 0).then((spec) => works.set(id, `${spec.run} ${spec.eval}`));
      }
    },
    runWork: (container, process) =>
      runJob(runnerPorts(container, process), container.job.request.spec, container.index, container.id).then(
        (exitCode) => (exitCode === REFUSED ? refusedExitCode : exitCode),
        (error: unknown) => {
          simulation.violate(`${process.name} threw ${String(error)}`);
          return TROUBLE;
        },
      ),
  });
  const truth = truthOf(simulation, batch);

  function runnerPorts(container: Container, process: Process) {
    const through = <T>(name: string, effect: () => T | Promise<T>): Promise<T> => {
      const fault = faults.at('runner', (kind) =>
        mayLose(container, kind.startsWith('oom') ? 'out-of-memory' : 'machine-lost'),
      );
      if (!fault) return call(simulation, process, name, effect, undefined);
      batch.lose(container, fault);
      return call(simulation, process, name, effect, fault.endsWith('before') ? 'crash-before' : 'crash-after');
    };
    return {
      objects: {
        put: (key: string, bytes: Uint8Array) => through('objects.put', () => objects.put(key, bytes)),
        get: (...asked: Parameters<Objects['get']>) => through('objects.get', () => objects.get(...asked)),
      },
      attempts: {
        ...attempts,
        claim: (...token: Parameters<typeof attempts.claim>) =>
          through('attempts.claim', async () => {
            const answer = await attempts.claim(...token);
            truth.claimed(token, answer);
            return answer;
          }),
        holds: (...token: Parameters<typeof attempts.holds>) =>
          through('attempts.holds', () => attempts.holds(...token)),
        finish: (...token: Parameters<typeof attempts.finish>) =>
          through('attempts.finish', async () => {
            const answer = await attempts.finish(...token);
            if (answer === 'recorded') truth.finished(token);
            return answer;
          }),
      },
      host,
      work: () =>
        sleep(simulation, process, random.between(100, random.chance(0.1) ? WORK_MS_MAX * 5 : WORK_MS_MAX / 8)),
      stageOut: (spec: { run: RunId; eval: string; attempt: number }) =>
        through('stage out', () => truth.stagedOut(spec, container.id)),
    };
  }

  function worldFor(environment: Environment, process: Process): World {
    const through = <T>(name: string, effect: () => T | Promise<T>): Promise<T> =>
      call(simulation, process, name, effect, faults.at('handler'));
    const wrapped = <P extends object>(port: string, methods: P): P =>
      Object.fromEntries(
        Object.entries(methods).map(([name, method]: [string, (...args: unknown[]) => Promise<unknown>]) => [
          name,
          (...args: unknown[]) => through(`${port}.${name}`, () => method(...args)),
        ]),
      ) as P;
    const now = () => EPOCH + time.now() + environment.skewMs;
    return {
      stack: STACK,
      journal: {
        ...wrapped('journal', { readAfter: journal.readAfter }),
        append: (entry) => {
          const fault = faults.at('append');
          const lies = fault === 'taken-after';
          const effect = async () => {
            const answer = await journal.append(entry);
            if (answer === 'appended') truth.appended(entry, environment.name, process.startedAt);
            return lies ? 'taken' : answer;
          };
          const told = () => `journal.append ${entry.sequence} ${entry.facts.map(({ type }) => type).join(' ')}`;
          simulation.note(() => `${process.name} will ${told()}`);
          return call(simulation, process, 'journal.append', effect, lies ? undefined : fault);
        },
      },
      summaries: wrapped('summaries', {
        ...summaries,
        put: async (summary: RunSummary) => {
          await summaries.put(summary);
          const newest = await summaries.get(summary.run);
          if (newest) stored.set(summary.run, newest);
        },
      }),
      cache: wrapped('cache', cache),
      attempts: wrapped('attempts', {
        ...attempts,
        cancel: async (run: RunId) => {
          await attempts.cancel(run);
          truth.marked(run, true);
        },
        reopen: async (run: RunId) => {
          await attempts.reopen(run);
          truth.marked(run, false);
        },
      }),
      objects: wrapped('objects', { put: objects.put, get: objects.get }),
      executors: {
        batch: {
          limits: BATCH_LIMITS,
          ids: batchJobIds,
          ...wrapped('batch', {
            find: async (name: string) => batch.find(name),
            look: async (jobs: readonly ExecutorJob[]) => batch.describe(jobs.map(batchJobIds.of)).map(reportOf),
            stop: async (id: string, reason: StopReason) => batch.terminate(id, reasonText(reason)),
          }),
          submit: (request) => submit(process, request),
        },
      },
      host: wrapped('host', host),
      files: wrapped('files', {
        observe: async (leaves: readonly Leaf[]) => leaves.map(look),
        places: async (locations: readonly string[]) => [...locations],
      }),
      bus: wrapped('bus', {
        wake: async (run: RunId, when) => queue.event({ kind: 'wake', run, when }),
        started: async () => undefined,
        ended: async (summary: RunSummary) => void ended.push(summary),
      }),
      clock: { now, nonce: () => nonce(random.next(), random.next()), sleep: (ms) => sleep(simulation, process, ms) },
      sender: { id: environment.name, exclusive: false },
      warm: {
        take: (run) => environment.warm.take(run),
        keep: (live) => {
          truth.kept(live);
          environment.warm.keep(live);
        },
      },
    };
  }

  function look({ location }: Leaf): Seen {
    return faults.at('look') ? { unseen: errorValue('NetworkError', unseenMessage(location)) } : ABSENT;
  }

  function submit(process: Process, request: SubmissionRequest): Promise<SubmitOutcome> {
    const fault = faults.at('submit');
    const accept = (): SubmitOutcome => ({ kind: 'accepted', id: batch.accept(structuredClone(request)) });
    const unknown: SubmitOutcome = { kind: 'unknown', reason: 'time-out' };
    switch (fault) {
      case 'throttled':
        return call(simulation, process, 'batch.submit, throttled', () => ({ kind: 'throttled' }), undefined);
      case 'denied':
        return call(
          simulation,
          process,
          'batch.submit, denied',
          () => ({ kind: 'denied', reason: 'expired!' }),
          undefined,
        );
      case 'unknown-before':
        return call(simulation, process, 'batch.submit, not accepted', () => unknown, undefined);
      case 'unknown-after':
        return call(simulation, process, 'batch.submit, no answer', () => accept() && unknown, undefined);
      // The adapter translates its service's exceptions: a broken connection is an answer that nobody knows.
      case 'throw-before':
      case 'throw-after':
        return call(
          simulation,
          process,
          'batch.submit',
          () => (fault === 'throw-after' ? accept() && unknown : unknown),
          undefined,
        );
      default:
        return call(simulation, process, `batch.submit ${request.name}`, accept, fault);
    }
  }

  /** Some of what is only kept to be faster is gone. */
  function loseSnapshots(): void {
    for (const key of objects.stored.keys())
      if (key.startsWith('snapshots/')) (objects.stored as Map<string, Uint8Array>).delete(key);
  }

  return {
    simulation,
    queue,
    batch,
    truth,
    summaryOf: (run) => stored.get(run),
    journal,
    objects,
    ended,
    loseSnapshots,
    worldFor,
  };
}

function nonce(a: number, b: number): string {
  const hex = (part: number) =>
    Math.floor(part * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  return hex(a) + hex(b);
}
