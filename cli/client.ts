/** The functions, wherever they run: all that a command knows of runs it knows by them. */

import type { GenericSchema, InferInput, InferOutput } from 'valibot';
import type { JobHistory } from '../core/engine/history.ts';
import type { RunStatus } from '../core/engine/ports.ts';
import type { RunId } from '../core/values/ids.ts';
import type * as cancel from '../functions/cancel.ts';
import type * as jobs from '../functions/jobs.ts';
import type * as logs from '../functions/logs.ts';
import { PAGE_MAX } from '../functions/page.ts';
import type * as plan from '../functions/plan.ts';
import type * as result from '../functions/result.ts';
import type * as retry from '../functions/retry.ts';
import type * as runs from '../functions/runs.ts';
import type { ListedRun } from '../functions/shapes.ts';
import type * as start from '../functions/start.ts';
import type * as status from '../functions/status.ts';
import type * as wait from '../functions/wait.ts';
import type * as waiting from '../functions/waiting.ts';
import type * as workflow from '../functions/workflow.ts';
import type * as workflows from '../functions/workflows.ts';
import { UsageError } from './usage-error.ts';

interface FunctionSchemas {
  readonly start: typeof start;
  readonly plan: typeof plan;
  readonly runs: typeof runs;
  readonly status: typeof status;
  readonly wait: typeof wait;
  readonly result: typeof result;
  readonly waiting: typeof waiting;
  readonly jobs: typeof jobs;
  readonly logs: typeof logs;
  readonly cancel: typeof cancel;
  readonly retry: typeof retry;
  readonly workflows: typeof workflows;
  readonly workflow: typeof workflow;
}

export type CallName = keyof FunctionSchemas;

/** What a function takes. */
export type RequestOf<N extends CallName> = InferInput<FunctionSchemas[N]['REQUEST']>;

type Granted<A> = A[keyof A & (200 | 201 | 202)];

/** What it answers when it does not refuse. */
export type ReplyOf<N extends CallName> =
  Granted<FunctionSchemas[N]['ANSWERS']> extends infer S extends GenericSchema ? InferOutput<S> : never;

/** The function refuses the request: each line says what is wrong with it. */
export class RequestRefused extends UsageError {
  /** As over HTTP; undefined where the function was called directly. */
  readonly statusCode: number | undefined;

  constructor(errors: readonly string[], statusCode?: number) {
    super(errors.join('\n'));
    this.statusCode = statusCode;
  }
}

export interface Client {
  /** Throws Refused. */
  call<N extends CallName>(name: N, request: RequestOf<N>): Promise<ReplyOf<N>>;
}

/** Where functions are called directly, what they refuse is in their answer. */
export function directClient(invoke: (name: CallName, event: unknown) => Promise<unknown>): Client {
  return {
    call: async <N extends CallName>(name: N, request: RequestOf<N>) => {
      const answer = await invoke(name, request);
      const errors = errorsIn(answer);
      if (errors) throw new RequestRefused(errors);
      return replyOf<N>(answer);
    },
  };
}

/**
 * What a function answers has the shape of its schema, to which the compiler holds it. It is not read by that here: schemas
 * are in the modules of the functions, which bring the whole of them.
 */
export function replyOf<N extends CallName>(answer: unknown): ReplyOf<N> {
  return answer as ReplyOf<N>;
}

export function errorsIn(answer: unknown): readonly string[] | undefined {
  if (typeof answer !== 'object' || answer === null || !('errors' in answer)) return undefined;
  return Array.isArray(answer.errors) ? answer.errors.map(String) : undefined;
}

/** All pages of a list, one after another, as far as they are wanted. `ask`: for the one that the cursor begins. */
async function* pages<P extends { readonly cursor?: string }>(
  ask: (from: { readonly cursor?: string }) => Promise<P>,
): AsyncGenerator<P> {
  for (let cursor: string | undefined; ; ) {
    const page = await ask(cursor === undefined ? {} : { cursor });
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
  const asked = { ...request, limit: Math.min(limit, PAGE_MAX.runs) };
  for await (const { runs } of pages((from) => client.call('runs', { ...asked, ...from }))) {
    listed.push(...runs);
    if (listed.length >= limit) break;
  }
  return listed.slice(0, limit);
}

/** In the order in which they came up; none of a run that did not begin. */
export async function listJobs(client: Client, run: RunId): Promise<JobHistory[]> {
  const listed: JobHistory[] = [];
  const asked = { run, limit: PAGE_MAX.jobs };
  for await (const { jobs } of pages((from) => client.call('jobs', { ...asked, ...from }))) listed.push(...jobs);
  return listed;
}
