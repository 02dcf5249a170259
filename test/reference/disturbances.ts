/**
 * Everything that may happen to a run on its way and must never show in its value: events late, twice and in any order,
 * rounds cut short, answers lost, machines lost, graphs forgotten between rounds, several handlers at once.
 */
import fc from 'fast-check';
import type { DescribedJob } from '../../core/aws/batch/jobs.ts';
import type { JobReport } from '../../core/engine/executor.ts';
import type { World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { type WarmGraphs, warmGraphs } from '../../core/engine/warm.ts';
import { draftOf } from '../../core/graph/draft.ts';
import { graphOf, snapshotOf } from '../../core/graph/snapshot.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playJobs } from '../support/play.ts';
import type { Drive } from './comparison.ts';

export interface Disturbances {
  readonly seed: number;
  /** Time goes on by itself, and most rounds have only a few ms of it. */
  readonly hurried: boolean;
  /** What is left of a graph between two rounds. */
  readonly memory: 'warm' | 'snapshot' | 'none';
  /** Handlers that take the same events at the same time. */
  readonly handlers: 1 | 2 | 3;
  /** Requests and appends that lose their answers, throttling, machines that are lost. */
  readonly faults: boolean;
}

export const disturbances: fc.Arbitrary<Disturbances> = fc.record({
  seed: fc.nat(),
  hurried: fc.boolean(),
  memory: fc.constantFrom('warm', 'snapshot', 'none'),
  handlers: fc.constantFrom(1, 2, 3),
  faults: fc.boolean(),
});

/** Events come once and in time, and nothing goes wrong. */
export const CALM: Disturbances = { seed: 1, hurried: false, memory: 'warm', handlers: 1, faults: false };

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TURNS_MAX = 3000;
/** More than a claim's deadline and the executor's look-up lag. */
const OVERDUE_MS = 125_000;

/** Takes the run to its end through the disturbances. */
export function through(given: Disturbances): Drive {
  const drive: Drive = async (world, run) => {
    const random = randomFrom(given.seed);
    const handlers = Array.from({ length: given.handlers }, () => disturbed(world, given, random));
    const under = eventsOf(world, given, random);
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const summary = await world.summaries.get(run);
      if (summary?.endedAt !== undefined) return summary;
      const reports = await under.next();
      const isWoken = world.bus.woken.length > 0 && random() < 0.6;
      if (isWoken) world.bus.woken.splice(0);
      if (turn > 0 && reports.length === 0 && !isWoken && !under.isQuiet()) continue;
      // Nothing moves: some answer was lost. What the sweep does after a while brings it to light.
      if (turn > 0 && reports.length === 0 && !isWoken) world.clock.advance(OVERDUE_MS);
      const isHurried = given.hurried && random() < 0.8;
      const options = isHurried ? { hardEnd: world.clock.now() + 1 + Math.floor(random() * 40) } : {};
      const racing = handlers.slice(0, 1 + Math.floor(random() * handlers.length));
      await Promise.all(racing.map((handler) => round(handler, run, reports, options)));
    }
    throw new Error(`the run ${run} is stuck under ${JSON.stringify(given)}`);
  };
  return Object.assign(drive, { losesMachines: given.faults });
}

/** One handler's view of the world: its own memory and clock, and answers that get lost. */
function disturbed(world: MemoryWorld, { hurried, memory, faults }: Disturbances, random: () => number): World {
  const tick = () => {
    if (hurried) world.clock.advance(Math.floor(random() * 3));
    return world.clock.now();
  };
  const loses = () => faults && random() < 0.1;
  return {
    ...world,
    clock: { ...world.clock, now: tick },
    warm: graphsKept(memory),
    journal: {
      ...world.journal,
      append: async (entry) => {
        const answer = await world.journal.append(entry);
        return loses() ? 'taken' : answer;
      },
    },
  };
}

function graphsKept(memory: Disturbances['memory']): WarmGraphs {
  const kept = warmGraphs(10);
  if (memory === 'warm') return kept;
  if (memory === 'none') return { take: () => undefined, keep: () => undefined };
  return {
    take: kept.take,
    keep: (live) => {
      const graph = graphOf(JSON.parse(JSON.stringify(snapshotOf(live.draft.graph))));
      if (graph) kept.keep({ ...live, draft: draftOf(graph) });
    },
  };
}

type MemoryJob = MemoryWorld['batch']['jobs'][number];

interface Events {
  /** What is delivered next: any of the events so far, in any order, some of them twice. */
  next(): Promise<JobReport[]>;
  /** Whether no event will come any more unless something is submitted. */
  isQuiet(): boolean;
}

/** Fewer than the attempts a job has. */
const LOST_MACHINES_MAX = 4;
const HOST_LOST = 'Host EC2 (instance i-1) terminated.';

function eventsOf(world: MemoryWorld, { faults }: Disturbances, random: () => number): Events {
  const pending: JobReport[] = [];
  let lost = 0;
  const begin = (job: MemoryJob) => {
    for (const { id, status } of tasksOf(job)) {
      if (status !== 'SUBMITTED' || random() < 0.5) continue;
      const isLost = faults && lost < LOST_MACHINES_MAX && random() < 0.1;
      if (isLost) lost++;
      pending.push(
        world.batch.report(id, isLost ? { status: 'FAILED', statusReason: HOST_LOST } : { status: 'RUNNING' }),
      );
    }
  };
  /** Jobs move on, each at its own pace. */
  const play = async () => {
    const share = random();
    for (const job of world.batch.jobs) begin(job);
    pending.push(...(await playJobs(world, () => random() < share)));
    for (const job of world.batch.jobs) {
      const isArray = job.described.size > 1;
      const isOver = isArray && job.described.get(job.id)?.status !== 'SUBMITTED';
      if (isArray && !isOver && tasksOf(job).every(hasEnded))
        pending.push(world.batch.report(job.id, { status: 'SUCCEEDED' }));
    }
  };
  return {
    async next() {
      if (faults && random() < 0.1) world.batch.answerNext({ kind: 'throttled' });
      if (faults && random() < 0.1)
        world.batch.answerNext({ kind: 'unknown', reason: 'lost' }, { accepted: random() < 0.5 });
      await play();
      const share = random();
      const chosen = pending.filter(() => random() < share);
      const again = chosen.filter(() => random() < 0.3);
      for (const report of chosen) if (random() < 0.7) pending.splice(pending.indexOf(report), 1);
      return [...chosen, ...again].sort(() => random() - 0.5);
    },
    isQuiet: () => pending.length === 0 && world.batch.jobs.flatMap(tasksOf).every(hasEnded),
  };
}

/** The job itself, or an array's children. */
function tasksOf({ described }: MemoryJob): DescribedJob[] {
  return [...described.values()].filter(({ index }) => described.size === 1 || index !== undefined);
}

function hasEnded({ status }: DescribedJob): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}
