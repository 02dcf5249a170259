/**
 * The workers of one bundle. Calls share a worker until one of them breaks it; then whoever was in it is run again, alone.
 *
 * 1. A call fails for its worker's end only when nothing else was ever called in there: another call may have left behind
 *    what ended it, or it was gone already. It fails for time only when it was alone or the worker was idle all the while.
 * 2. A call runs at most twice.
 * 3. A worker with a call that never ends gets no new calls, and is killed when the others are done.
 */
import { encode } from '../values/encode.ts';
import { type ErrorName, reviveError } from '../values/errors.ts';
import type { Table } from '../values/table.ts';
import { describeEnd, type End, type ProcessOptions, startWorker, type WorkerProcess } from './process.ts';
import type { Call } from './protocol.ts';

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Table };

export interface Crew {
  /** Rejects with an Error when the bundle cannot be loaded. */
  call(call: Call): Promise<Answer>;
  readonly idle: boolean;
  /** Ends all workers; calls in flight are rejected. */
  close(): Promise<void>;
}

export interface CrewOptions extends ProcessOptions {
  /** Of one call; undefined: none. */
  readonly timeMs: number | undefined;
}

/** Calls in one worker at once: enough to overlap waiting for files, few enough to be run again one by one. */
const SHARED_MAX = 32;
/** For a bundle to be loaded; a top level that takes longer waits for something or loops. */
const LOAD_MS_MAX = 30_000;
/** For a worker to answer at all. One that is computing does not. */
const PROBE_MS = 500;

interface Job {
  readonly id: number;
  readonly call: Call;
  readonly answer: PromiseWithResolvers<Answer>;
  timer?: NodeJS.Timeout;
}

interface Squad {
  readonly process: WorkerProcess;
  readonly jobs: Map<number, Job>;
  /** Calls that it has had. */
  served: number;
  loaded: boolean;
  /** Takes no new calls. */
  retired: boolean;
}

interface Roster {
  readonly file: string;
  readonly options: CrewOptions;
  readonly waiting: Job[];
  /** To be run alone: they were in a worker that broke. */
  readonly suspects: Job[];
  readonly squads: Set<Squad>;
  shared?: Squad | undefined;
  alone?: Squad | undefined;
}

/** Starts no worker before the first call. */
export function crewFor(file: string, options: CrewOptions): Crew {
  const roster: Roster = { file, options, waiting: [], suspects: [], squads: new Set() };
  let ids = 0;
  return {
    call(call) {
      const job: Job = { id: ids++, call, answer: Promise.withResolvers() };
      roster.waiting.push(job);
      pump(roster);
      return job.answer.promise;
    },
    get idle() {
      const { waiting, suspects, squads } = roster;
      return waiting.length + suspects.length === 0 && [...squads].every(({ jobs }) => jobs.size === 0);
    },
    close: () => disband(roster),
  };
}

/** Gives waiting calls a worker as far as there is room. */
function pump(roster: Roster): void {
  const { waiting, suspects } = roster;
  while (waiting.length > 0) {
    roster.shared ??= enlist(roster);
    if (roster.shared.jobs.size >= SHARED_MAX) break;
    join(roster, roster.shared, waiting.shift() as Job);
  }
  if (suspects.length > 0) {
    // Each has a worker of its own, so that what comes of it is its doing.
    if (roster.alone?.jobs.size === 0) retire(roster, roster.alone);
    if (!roster.alone) {
      roster.alone = enlist(roster);
      join(roster, roster.alone, suspects.shift() as Job);
    }
  } else if (roster.alone?.jobs.size === 0) retire(roster, roster.alone);
}

function enlist(roster: Roster): Squad {
  const jobs = new Map<number, Job>();
  const process = startWorker(roster.file, roster.options, (id, ok, value) => {
    const job = jobs.get(id);
    if (!job) return;
    leave(squad, job);
    job.answer.resolve(ok ? { ok, value } : { ok, error: value as Table });
    pump(roster);
  });
  const squad: Squad = { process, jobs, served: 0, loaded: false, retired: false };
  roster.squads.add(squad);
  const overdue = setTimeout(() => process.kill(), LOAD_MS_MAX);
  process.ready.then(
    () => {
      squad.loaded = true;
      clearTimeout(overdue);
    },
    () => clearTimeout(overdue),
  );
  void process.ended.then((end) => bury(roster, squad, end));
  return squad;
}

function join(roster: Roster, squad: Squad, job: Job): void {
  const { timeMs } = roster.options;
  squad.jobs.set(job.id, job);
  squad.served++;
  squad.process.hold(true);
  const begin = (): void => {
    if (!squad.jobs.has(job.id)) return;
    squad.process.call(job.id, job.call);
    if (timeMs !== undefined) job.timer = setTimeout(() => void examine(roster, squad, job), timeMs);
  };
  squad.process.ready.then(begin, () => undefined);
}

function leave(squad: Squad, job: Job): void {
  clearTimeout(job.timer);
  squad.jobs.delete(job.id);
  if (squad.jobs.size > 0) return;
  squad.process.hold(false);
  if (squad.retired) squad.process.kill();
}

function retire(roster: Roster, squad: Squad): void {
  squad.retired = true;
  if (roster.shared === squad) roster.shared = undefined;
  if (roster.alone === squad) roster.alone = undefined;
  if (squad.jobs.size === 0) squad.process.kill();
}

/** The call has had its time. Is it the one to blame? */
async function examine(roster: Roster, squad: Squad, job: Job): Promise<void> {
  const calls = await squad.process.probe(PROBE_MS);
  if (!squad.jobs.has(job.id)) return;
  const state = calls?.find(({ id }) => id === job.id);
  const idle = state !== undefined && state.busyMs < state.elapsedMs / 2;
  if (idle || squad.jobs.size === 1) {
    leave(squad, job);
    job.answer.resolve(failure('TimedOut', tooLong(job.call, roster.options.timeMs)));
  } else suspectAll(roster, squad);
  retire(roster, squad);
  pump(roster);
}

function suspectAll(roster: Roster, squad: Squad): void {
  for (const job of [...squad.jobs.values()]) {
    leave(squad, job);
    roster.suspects.push(job);
  }
}

/** The worker is gone. */
function bury(roster: Roster, squad: Squad, end: End): void {
  const { squads, waiting, suspects, options } = roster;
  squads.delete(squad);
  retire(roster, squad);
  const [first] = squad.jobs.values();
  if (!squad.loaded) {
    // The next worker would load no better.
    const reason = new Error(notLoaded(end));
    const lost = [...squad.jobs.values(), ...waiting.splice(0), ...suspects.splice(0)];
    for (const job of lost) job.answer.reject(reason);
  } else if (first && squad.served === 1) {
    leave(squad, first);
    first.answer.resolve(ended(first.call, end, options.memoryMb));
  } else suspectAll(roster, squad);
  pump(roster);
}

async function disband(roster: Roster): Promise<void> {
  const { squads, waiting, suspects } = roster;
  const all = [...squads];
  const lost = [...waiting.splice(0), ...suspects.splice(0), ...all.flatMap(({ jobs }) => [...jobs.values()])];
  for (const squad of all) {
    for (const job of [...squad.jobs.values()]) leave(squad, job);
    retire(roster, squad);
    squad.process.hold(true);
  }
  for (const job of lost) job.answer.reject(new Error('the host was closed'));
  await Promise.all(all.map(({ process }) => process.ended));
}

function notLoaded(end: End): string {
  if (end.kind === 'exit' && end.signal === 'SIGKILL') {
    return `the bundle did not load within ${LOAD_MS_MAX / 1000} s: its top level waits or loops`;
  }
  return describeEnd(end, 'the bundle');
}

function nameOf(call: Call): string {
  if (call.kind === 'program') return 'the program';
  return call.kind === 'root' ? `the call of ${call.workflow}` : `the task ${call.task}`;
}

function tooLong(call: Call, timeMs: number | undefined): string {
  return `${nameOf(call)} did not finish within the ${(timeMs ?? 0) / 1000} s that an inline task has: give it executor: 'batch'`;
}

function ended(call: Call, end: End, memoryMb: number | undefined): Answer {
  const who = nameOf(call);
  if (end.kind !== 'memory') return failure('Error', describeEnd(end, who));
  if (memoryMb === undefined) return failure('OutOfMemory', describeEnd(end, who));
  return failure(
    'OutOfMemory',
    `${who} needs more than the ${memoryMb} MB that an inline task has: give it executor: 'batch'`,
  );
}

function failure(name: ErrorName | 'Error', message: string): Answer {
  return { ok: false, error: encode(reviveError(name, [...new Set([name, 'Error'])], message, {})) };
}
