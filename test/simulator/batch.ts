/** A simulated AWS Batch: jobs start late or never, machines are lost, and what it says about that comes as events. */
import type { DescribedJob } from '../../core/aws/batch/jobs.ts';
import type { SubmissionRequest } from '../../core/engine/executor.ts';
import type { FaultKind } from './faults.ts';
import { kill, type Process, processOf, type Simulation } from './process.ts';

/** A single job, or one child of an array. */
export interface Container {
  readonly id: string;
  readonly job: BatchJob;
  readonly index: number | undefined;
  described: DescribedJob;
  process: Process | undefined;
}

export interface BatchJob {
  readonly id: string;
  readonly request: SubmissionRequest;
  readonly acceptedAt: number;
  /** ListJobs shows it from then on. */
  readonly listedAt: number;
  readonly containers: readonly Container[];
  described: DescribedJob;
}

export interface SimulatedBatch {
  readonly jobs: ReadonlyMap<string, BatchJob>;
  accept(request: SubmissionRequest): string;
  find(name: string): string[];
  describe(ids: readonly string[]): DescribedJob[];
  terminate(id: string, reason: string): void;
  container(id: string): Container | undefined;
  /** Its runner dies at a call, as the fault says. */
  lose(container: Container, fault: FaultKind<'runner'>): void;
  /** How many jobs have not ended. */
  running(): number;
}

export interface BatchOwner {
  /** A job changed its state. */
  emit(described: DescribedJob): void;
  /** Runs the job's work; resolves to its exit code, or never. */
  runWork(container: Container, process: Process): Promise<number>;
  /** Whether one more loss of this kind leaves the work an attempt. */
  mayLose(container: Container, cause: 'machine-lost' | 'out-of-memory' | 'image'): boolean;
  accepted(job: BatchJob): void;
}

/** ms since the epoch of every simulation's beginning. */
export const EPOCH = Date.UTC(2030, 0, 1);

const LIST_LAG_MS_MAX = 20_000;
const LOST = 'Host EC2 (instance i-0abc) terminated.';
const OOM = { containerReason: 'OutOfMemoryError: Container killed due to memory usage', exitCode: 137 };
const EXITED = 'Essential container in task exited';

export function isOver({ status }: DescribedJob): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

export function simulatedBatch(simulation: Simulation, owner: BatchOwner): SimulatedBatch {
  const { time, random, faults } = simulation;
  const jobs = new Map<string, BatchJob>();
  const containers = new Map<string, Container>();
  let running = 0;

  function change(container: Container, news: Partial<DescribedJob> & Pick<DescribedJob, 'status'>): void {
    if (isOver(container.described)) return;
    container.described = { ...container.described, ...news };
    simulation.note(
      () => `batch ${container.id} ${news.status} ${news.statusReason ?? ''} ${news.containerReason ?? ''}`,
    );
    const over = isOver(container.described);
    if (over) running--;
    const { job } = container;
    if (container.index === undefined) job.described = container.described;
    owner.emit(container.described);
    if (container.index === undefined || !over || !job.containers.every(({ described }) => isOver(described))) return;
    const failed = job.containers.some(({ described }) => described.status === 'FAILED');
    job.described = {
      ...job.described,
      status: failed ? 'FAILED' : 'SUCCEEDED',
      ...(failed && { statusReason: 'Array Child Job failed' }),
    };
    owner.emit(job.described);
  }

  function launch(container: Container): void {
    if (isOver(container.described)) return;
    const fault = faults.at('container', (kind) => {
      if (kind === 'image') return owner.mayLose(container, 'image');
      return kind === 'false-failure' || owner.mayLose(container, 'machine-lost');
    });
    if (fault === 'image') {
      change(container, {
        status: 'FAILED',
        statusReason: 'Task failed to start',
        containerReason: 'CannotPullContainerError: no',
      });
      return;
    }
    if (fault === 'lost-at-start') {
      change(container, { status: 'FAILED', statusReason: LOST });
      return;
    }
    const process = processOf(simulation, `runner ${container.id}`);
    container.process = process;
    change(container, { status: 'RUNNING', startedAt: time.now() });
    // The machine is taken for lost, but its container runs on.
    if (fault === 'zombie') {
      time.after(faults.details().between(0, 120_000), () =>
        change(container, { status: 'FAILED', statusReason: LOST }),
      );
    }
    void owner.runWork(container, process).then((exitCode) => {
      process.alive = false;
      const falsely = fault === 'false-failure' && exitCode <= 1;
      time.after(random.between(100, 3_000), () =>
        change(container, {
          status: exitCode === 0 && !falsely ? 'SUCCEEDED' : 'FAILED',
          statusReason: falsely ? 'Task failed' : EXITED,
          ...(falsely ? { containerReason: 'CannotInspectContainerError: lost' } : { exitCode }),
        }),
      );
    });
  }

  function end(container: Container, reason: string): void {
    if (isOver(container.described)) return;
    if (container.process) kill(simulation, container.process, reason);
    change(container, { status: 'FAILED', statusReason: reason });
  }

  return {
    jobs,
    accept(request) {
      const id = `job-${jobs.size + 1}`;
      const submitted = { id, name: request.name, status: 'SUBMITTED', createdAt: time.now() } as const;
      const all: Container[] = [];
      const job: BatchJob = {
        id,
        request,
        acceptedAt: time.now(),
        listedAt: time.now() + random.between(0, LIST_LAG_MS_MAX),
        containers: all,
        described: submitted,
      };
      for (let index = 0; index < request.size; index++) {
        const own = request.size > 1 ? { id: `${id}:${index}`, index } : { id };
        all.push({
          id: own.id,
          job,
          index: 'index' in own ? index : undefined,
          described: { ...submitted, ...own },
          process: undefined,
        });
      }
      for (const container of all) {
        containers.set(container.id, container);
        running++;
        if (random.chance(0.3))
          time.after(random.between(0, 20_000), () => isQueued(container) && change(container, { status: 'RUNNABLE' }));
        time.after(random.chance(0.1) ? random.between(60_000, 600_000) : random.between(1_000, 60_000), () =>
          launch(container),
        );
      }
      jobs.set(id, job);
      owner.accepted(job);
      return id;
    },
    find(name) {
      return [...jobs.values()]
        .filter((job) => job.request.name === name && job.listedAt <= time.now())
        .map(({ id }) => id);
    },
    describe(ids) {
      return ids.flatMap((id) => {
        const container = containers.get(id);
        const described = container?.described ?? jobs.get(id)?.described;
        if (!described) return [];
        const forgotten =
          isOver(described) && faults.at('describe', () => !container || owner.mayLose(container, 'machine-lost'));
        return forgotten ? [] : [described];
      });
    },
    terminate(id, reason) {
      const all = jobs.get(id)?.containers ?? [containers.get(id)].filter((one) => one !== undefined);
      for (const container of all) {
        const delay = container.process ? random.between(500, 30_000) : random.between(100, 2_000);
        time.after(delay, () => end(container, reason));
      }
    },
    container: (id) => containers.get(id),
    lose(container, fault) {
      const news = fault.startsWith('oom') ? { statusReason: EXITED, ...OOM } : { statusReason: LOST };
      time.after(random.between(1_000, 120_000), () => change(container, { status: 'FAILED', ...news }));
    },
    running: () => running,
  };
}

function isQueued({ described }: Container): boolean {
  return described.status === 'SUBMITTED';
}
