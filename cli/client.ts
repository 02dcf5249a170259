/** The functions, wherever they run: all that a command knows of runs it knows by them. */
import type { RunStatus, RunSummary } from '../core/engine/ports.ts';
import type { JobHistory } from '../core/engine/history.ts';
import type { Queue } from '../core/engine/waiting.ts';
import type { RunId } from '../core/graph/facts.ts';
import type { Hash } from '../core/values/hash.ts';
import type { Workflow } from '../core/values/program.ts';
import type { Plan } from '../functions/plan.ts';
import type { ListedRun } from '../functions/runs.ts';
import type { StartRequest } from '../functions/start.ts';
import { UsageError } from './usage-error.ts';

type OfRun = { readonly run: string };
type OfPage = { readonly limit?: number; readonly cursor?: string };

/** What each function takes, and what it answers when it does not refuse. */
export interface Calls {
  start(request: StartRequest): { readonly run: RunId };
  plan(request: StartRequest): Plan;
  runs(request: OfPage & { readonly run?: string; readonly status?: RunStatus }): {
    readonly runs: readonly ListedRun[];
    readonly cursor?: string;
  };
  status(request: OfRun): RunSummary;
  wait(request: OfRun & { readonly seen?: number; readonly seconds?: number }): RunSummary;
  result(request: OfRun & { readonly form: 'json' | 'text' }): { readonly value?: unknown; readonly text?: string };
  waiting(request: OfRun): Queue;
  jobs(request: OfRun & OfPage): { readonly jobs: readonly JobHistory[]; readonly cursor?: string };
  logs(request: OfRun & { readonly job: string; readonly cursor?: string }): {
    readonly text: string;
    readonly cursor: string;
    readonly end: boolean;
    readonly over: boolean;
  };
  cancel(request: OfRun & { readonly reason?: string }): { readonly run: RunId; readonly status: RunStatus };
  retry(request: OfRun): { readonly run: RunId; readonly status: RunStatus };
  workflows(request: { readonly workflow?: string }): {
    readonly bundle: Hash;
    readonly workflows?: readonly Omit<Workflow, 'params'>[];
  } & Partial<Workflow> & { readonly context?: Readonly<Record<string, unknown>> };
}

export type CallName = keyof Calls;

/** The function refuses the request: each line says what is wrong with it. */
export class Refused extends UsageError {
  /** As over HTTP; undefined where the function was called directly. */
  readonly statusCode: number | undefined;

  constructor(errors: readonly string[], statusCode?: number) {
    super(errors.join('\n'));
    this.statusCode = statusCode;
  }
}

export interface Client {
  /** Throws Refused. */
  call<N extends CallName>(name: N, request: Parameters<Calls[N]>[0]): Promise<ReturnType<Calls[N]>>;
}

/** Where functions are called directly, what they refuse is in their answer. */
export function directClient(invoke: (name: CallName, event: unknown) => Promise<unknown>): Client {
  return {
    call: async <N extends CallName>(name: N, request: Parameters<Calls[N]>[0]) => {
      const answer = await invoke(name, request);
      const errors = errorsIn(answer);
      if (errors) throw new Refused(errors);
      return answer as ReturnType<Calls[N]>;
    },
  };
}

export function errorsIn(answer: unknown): readonly string[] | undefined {
  if (typeof answer !== 'object' || answer === null || !('errors' in answer)) return undefined;
  return Array.isArray(answer.errors) ? answer.errors.map(String) : undefined;
}

/** All pages of a list, one after another, as far as they are asked for. */
export async function* pages<N extends 'runs' | 'jobs'>(
  client: Client,
  name: N,
  request: Parameters<Calls[N]>[0],
): AsyncGenerator<ReturnType<Calls[N]>> {
  for (let cursor: string | undefined; ; ) {
    const page = await client.call(name, { ...request, ...(cursor !== undefined && { cursor }) });
    yield page;
    ({ cursor } = page);
    if (cursor === undefined) return;
  }
}

/** The newest runs, `limit` at most; all of them without. */
export async function listRuns(
  client: Client,
  request: { readonly run?: string; readonly status?: RunStatus },
  limit = Number.POSITIVE_INFINITY,
): Promise<ListedRun[]> {
  const listed: ListedRun[] = [];
  for await (const { runs } of pages(client, 'runs', { ...request, limit: Math.min(limit, RUNS_A_PAGE) })) {
    listed.push(...runs);
    if (listed.length >= limit) break;
  }
  return listed.slice(0, limit);
}

/** As many as the functions give at once. */
const RUNS_A_PAGE = 200;
const JOBS_A_PAGE = 5_000;

/** In the order in which they came up; none of a run that did not begin. */
export async function listJobs(client: Client, run: RunId): Promise<JobHistory[]> {
  const listed: JobHistory[] = [];
  for await (const { jobs } of pages(client, 'jobs', { run, limit: JOBS_A_PAGE })) listed.push(...jobs);
  return listed;
}
