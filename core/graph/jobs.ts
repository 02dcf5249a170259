/** Calls become jobs, jobs share work, and what a function returned is evaluated further. */

import { briefArguments } from '../values/brief.ts';
import { isConcrete, openLeavesOf, refsOf } from '../values/contents.ts';
import { encode } from '../values/encode.ts';
import type { ErrorName } from '../values/errors.ts';
import { isRecord } from '../values/guards.ts';
import { digest } from '../values/hash.ts';
import { type EvalHash, evalNamed, type Hash, type JobId, jobNamed } from '../values/ids.ts';
import { isKind } from '../values/nodes.ts';
import { hashedValues } from '../values/options.ts';
import { plainValue } from '../values/plain.ts';
import { last } from '../values/present.ts';
import { type JobOptions, SCRIPT_TASK, type TaskInfo } from '../values/program.ts';
import { hashOf, listOf, rootOf, type Table } from '../values/table.ts';
import { segmentOf, waitForDone } from './done.ts';
import {
  byOrdinal,
  count,
  type Draft,
  failWith,
  held,
  liveNode,
  partValues,
  setStatus,
  settle,
  waitUnder,
} from './draft.ts';
import { errorValue } from './errors.ts';
import { nodeFor, openScope } from './expressions.ts';
import { type GraphNode, type Job, runOf, type Scope, type Settlement, scopeOf, type Work } from './graph.ts';
import { waitFor } from './operations.ts';
import { resolveOptions } from './options.ts';
import { usedInScope } from './recovery.ts';
import { abandon, closeScope, isWanted } from './release.ts';

/** A call whose arguments all have values: look at its file literals first, then make it a job or join one. */
export function callReady(draft: Draft, node: GraphNode): void {
  if (draft.graph.stopping) return;
  const { args, options } = argumentsOf(draft, node);
  if (options && refsOf(options).length > 0) {
    waitFor(draft, node, { of: 'whole', value: options });
    return;
  }
  const open = openLeavesOf(args);
  if (open.files.length + open.refs.length === 0) {
    admit(draft, node, args, options);
    return;
  }
  const scope = scopeOf(draft.graph, node);
  const key = digest('observation', `${scope.job ?? 'root'} ${taskOf(node)} ${hashOf(args)}`);
  waitUnder(draft, node, { in: 'observing', key }, draft.graph.observing, (nodes) => ({ args, nodes }));
}

/** Goes on with options that had to be loaded: they hold a large context. */
export function optionsLoaded(draft: Draft, node: GraphNode, options: Table): void {
  const { shape } = node;
  if (shape.kind !== 'call') throw new Error('only calls have options');
  const parts = partValues(draft, node.inputs, shape.given);
  draft.edits.set(node, 'shape', { ...shape, given: [...parts.slice(0, -1), options] });
  callReady(draft, node);
}

/** The arguments of the calls that wait under `key`, now with the versions of their files. */
export function observed(draft: Draft, key: Hash, args: Table): boolean {
  return lookedAt(draft, key, (node) => admit(draft, node, args, argumentsOf(draft, node).options));
}

/** The calls that wait under `key` fail: without the versions of all files there is no job to be. */
export function unseen(draft: Draft, key: Hash, error: Table): boolean {
  return lookedAt(draft, key, (node) => failWith(draft, node, error));
}

function lookedAt(draft: Draft, key: Hash, goOn: (node: GraphNode) => void): boolean {
  const waiting = draft.graph.observing.get(key);
  if (!waiting) return false;
  draft.edits.drop(draft.graph.observing, key);
  for (const id of waiting.nodes) {
    const node = draft.graph.nodes.get(id);
    if (node && !node.outcome && !draft.graph.stopping) goOn(node);
  }
  return true;
}

function taskOf(node: GraphNode): string {
  if (node.shape.kind !== 'call') throw new Error('only calls become jobs');
  return node.shape.task;
}

function argumentsOf(draft: Draft, node: GraphNode): { args: Table; options: Table | undefined } {
  const { shape } = node;
  if (shape.kind !== 'call') throw new Error('only calls have arguments');
  const values = partValues(draft, node.inputs, shape.given);
  const options = shape.hasOptions ? values.pop() : undefined;
  while (values.length > 0 && isKind(rootOf(last(values)), 'undefined')) values.pop();
  return { args: listOf(values), options };
}

function admit(draft: Draft, node: GraphNode, args: Table, options: Table | undefined): void {
  const { graph, edits } = draft;
  const task = taskOf(node);
  const scope = scopeOf(draft.graph, node);
  const info = runOf(graph).program.tasks[task];
  if (!info && task !== SCRIPT_TASK) {
    fail(draft, node, 'TaskNotFound', `there is no task '${task}' in the bundle of this run`);
    return;
  }
  const resolved = resolveOptions(runOf(graph).program, task, options);
  if (!resolved.ok) {
    fail(draft, node, 'TypeError', `${task}: ${resolved.reason}`);
    return;
  }
  const place = resolved.options.cacheScope === 'none' ? `${scope.job ?? 'root'} ${node.hash}` : undefined;
  const evaluation = evalHashOf(task, info, args, resolved.options, place);
  const context = contextFor(draft, scope, resolved.context);
  const id = jobNamed(digest('job', `${evaluation} ${context ?? ''}`));
  const known = graph.jobs.get(id);
  const segment = known ? undefined : segmentOf(graph, id);
  edits.set(node, 'waits', { in: 'jobs', key: id });
  if (known?.outcome) settle(draft, node, known.outcome);
  else if (known) addCaller(draft, known, node);
  else if (segment) waitForDone(draft, node, id, segment);
  else create(draft, { id, task, evaluation, context, parent: scope.job, args, options: resolved.options }, node);
}

function addCaller(draft: Draft, job: Job, caller: GraphNode): void {
  draft.guarded.clear();
  draft.edits.push(job.callers, caller.id);
}

/** hash of (task hash, args hash), and of a script's image as written; the place too where equal calls are not shared. */
function evalHashOf(
  task: string,
  info: TaskInfo | undefined,
  args: Table,
  options: JobOptions,
  place: string | undefined,
): EvalHash {
  const hashed = task === SCRIPT_TASK ? hashedValues(options) : [];
  const parts = [info?.hash ?? task, hashOf(args), ...hashed, ...(place ? [place] : [])];
  return evalNamed(digest('eval', JSON.stringify(parts)));
}

/** The context of a job: its parent's, with what the call overrides. null is the run's own. */
function contextFor(draft: Draft, scope: Scope, override: Readonly<Record<string, unknown>> | undefined): Hash | null {
  const inherited = (scope.job && draft.graph.jobs.get(scope.job)?.context) ?? null;
  if (!override) return inherited;
  const table = encode({ ...contextOf(draft, inherited), ...override });
  const hash = hashOf(table);
  if (!draft.graph.contexts.has(hash)) draft.edits.put(draft.graph.contexts, hash, table);
  return hash;
}

export function contextOf(draft: Draft, context: Hash | null): Readonly<Record<string, unknown>> {
  const table = context && draft.graph.contexts.get(context);
  if (!table) return runOf(draft.graph).program.context;
  const values = plainValue(table, 'a context is');
  if (!isRecord(values)) throw new TypeError('a context is a record');
  return values;
}

interface NewJob {
  readonly id: JobId;
  readonly task: string;
  readonly evaluation: EvalHash;
  readonly context: Hash | null;
  readonly parent: JobId | null;
  readonly args: Table;
  readonly options: JobOptions;
}

function create(draft: Draft, given: NewJob, caller: GraphNode): void {
  const { graph, edits } = draft;
  const job: Job = {
    id: given.id,
    ordinal: nextOrdinal(draft),
    task: given.task,
    evaluation: given.evaluation,
    parent: given.parent,
    caller: given.parent === null ? undefined : graph.jobs.get(given.parent)?.task,
    context: given.context,
    callers: [caller.id],
    scope: null,
    status: 'PENDING',
    reused: false,
    used: '0',
    outcome: null,
  };
  edits.put(graph.jobs, job.id, job);
  count(draft, job.task, null, 'PENDING');
  const work = graph.works.get(given.evaluation);
  if (work) {
    edits.push(work.jobs, job.id);
    if (work.expression) evaluate(draft, job, work.expression);
    else if (work.state === 'claimed') setStatus(draft, job, 'RUNNING');
    return;
  }
  const cached = runOf(graph).cache && given.options.cache !== false && given.options.cacheScope !== 'none';
  edits.put(graph.works, given.evaluation, {
    evaluation: given.evaluation,
    ordinal: job.ordinal,
    task: given.task,
    args: given.args,
    options: given.options,
    jobs: [job.id],
    state: cached ? 'lookup' : 'ready',
    attempt: graph.attempts.get(given.evaluation) ?? 0,
    failures: {},
    submission: null,
    writes: [],
    expression: null,
  });
  edits.add(graph.frontier, given.evaluation);
}

function nextOrdinal(draft: Draft): number {
  const ordinal = draft.graph.nextOrdinal;
  draft.edits.set(draft.graph, 'nextOrdinal', ordinal + 1);
  return ordinal;
}

function fail(draft: Draft, node: GraphNode, name: ErrorName | 'TypeError', message: string): void {
  failWith(draft, node, errorValue(name, message));
}

/** The function of a work returned, here or in another run: its jobs evaluate what it returned. */
export function workReturned(draft: Draft, work: Work, expression: Table, reused: boolean): void {
  endWork(draft, work);
  draft.edits.set(work, 'expression', expression);
  for (const id of [...work.jobs]) {
    const job = draft.graph.jobs.get(id);
    if (!job || job.outcome) continue;
    draft.edits.set(job, 'reused', reused);
    evaluate(draft, job, expression);
  }
}

/** The function of a work failed for good: so do its jobs. */
export function workFailed(draft: Draft, work: Work, error: Table): void {
  endWork(draft, work);
  if (work.attempt > 0) draft.edits.put(draft.graph.attempts, work.evaluation, work.attempt);
  for (const id of [...work.jobs]) {
    const job = draft.graph.jobs.get(id);
    if (job && !job.outcome) settleJob(draft, job, { failure: { error: held(draft, error), origin: job.id } });
  }
}

function endWork(draft: Draft, work: Work): void {
  draft.edits.set(work, 'state', 'over');
  draft.edits.remove(draft.graph.frontier, work.evaluation);
}

function evaluate(draft: Draft, job: Job, expression: Table): void {
  if (isConcrete(expression)) {
    settleJob(draft, job, { value: expression });
    return;
  }
  if (!isWanted(draft, job)) {
    abandon(draft, job);
    return;
  }
  if (draft.graph.stopping) return;
  setStatus(draft, job, 'RUNNING');
  const scope = openScope(draft, job.id, expression);
  draft.edits.set(job, 'scope', scope.id);
  const result = liveNode(draft, nodeFor(draft, scope, expression.length - 1));
  draft.edits.set(result, 'result', job.id);
  if (result.outcome) draft.queue.push(result.id);
}

/** The job has its final value or error: its callers have theirs, and what is left of its evaluation goes. */
export function settleJob(draft: Draft, job: Job, outcome: Settlement): void {
  const { graph, edits } = draft;
  if (job.outcome) return;
  edits.set(job, 'outcome', outcome);
  if ('value' in outcome) setStatus(draft, job, job.reused ? 'CACHED' : 'DONE');
  else {
    setStatus(draft, job, 'FAILED');
    const args = graph.works.get(job.evaluation)?.args;
    if (args) edits.set(job, 'given', briefArguments(job.task, args));
    edits.push(graph.failed, job.id);
  }
  for (const caller of job.callers) {
    const node = graph.nodes.get(caller);
    if (node) settle(draft, node, outcome);
  }
  const scope = job.scope === null ? undefined : graph.scopes.get(job.scope);
  if (scope) edits.set(job, 'used', usedInScope(graph, scope));
  closeScope(draft, job);
  const work = graph.works.get(job.evaluation);
  if (work?.state === 'over' && work.jobs.every((id) => graph.jobs.get(id)?.outcome ?? true)) {
    // In another context it may be wanted again. A first attempt needs no note: its record is its result.
    if (work.attempt > 1) edits.put(graph.attempts, work.evaluation, work.attempt);
    edits.drop(graph.works, work.evaluation, byOrdinal);
  }
}
