/**
 * Recovered catches are cached under (expression, names, recover): the entry is the recovering call, so that new code
 * of the recovery runs just that, and it rests on the hash of every task of the evaluation that failed, so that
 * repairing one runs it again.
 */

import { PASSING_ERRORS } from '../values/errors.ts';
import { digest } from '../values/hash.ts';
import { type EvalHash, evalNamed } from '../values/ids.ts';
import { at } from '../values/present.ts';
import { type Program, SCRIPT_TASK } from '../values/program.ts';
import { combine, type Table } from '../values/table.ts';
import { type Draft, waitUnder } from './draft.ts';
import { isCaughtBy } from './errors.ts';
import type { ConcreteCall } from './expressions.ts';
import { type Graph, type GraphNode, type Job, jobOf, type NodeId, runOf, type Scope } from './graph.ts';

/** The task name of such entries in the cache. */
export const CATCH_TASK = 'redex.catch';

/** The key of a catch: its expression (with names and recovery) in its context. */
export function catchKey(graph: Graph, node: GraphNode, scope: Scope): EvalHash {
  const job = scope.job && graph.jobs.get(scope.job);
  const context = job?.context ?? JSON.stringify(runOf(graph).program.context);
  return evalNamed(digest('catch', `${node.hash} ${context}`));
}

/** Has the catch looked up before its expression is evaluated. */
export function waitForRecovery(draft: Draft, node: GraphNode, key: EvalHash): void {
  waitUnder(draft, node, { in: 'recalls', key }, draft.graph.recalls, (nodes) => ({ nodes }));
}

/** Remembers how the catch recovered, with the tasks of what failed below `guarded`. */
export function noteRecovery(draft: Draft, node: GraphNode, scope: Scope, call: ConcreteCall, error: Table): void {
  if (isCaughtBy(error, PASSING_ERRORS)) return;
  const expression = combine(call.args, (roots) => ['call', call.task, roots, null]);
  const { tasks } = runOf(draft.graph).program;
  const names = tasksBelow(draft.graph, at(node.inputs, 0));
  const requires = Object.fromEntries(names.flatMap((name) => (tasks[name] ? [[name, tasks[name].hash]] : [])));
  draft.effects.recoveries.push({ key: catchKey(draft.graph, node, scope), expression, requires });
}

/** The names of all tasks that took part in evaluating the node so far. */
function tasksBelow(graph: Graph, start: NodeId): string[] {
  const { program } = runOf(graph);
  const seen = new Set<NodeId>([start]);
  let used = 0n;
  for (const id of seen) {
    const node = graph.nodes.get(id);
    if (!node) continue;
    const job = jobOf(graph, node);
    if (job) used |= usedBy(graph, job);
    for (const input of node.inputs) seen.add(input);
  }
  return taskOrder(program).filter((_, place) => (used >> BigInt(place)) & 1n);
}

/** The tasks a job's evaluation used, as bits in the order of the program's task names; its own among them. */
function usedBy(graph: Graph, job: Job): bigint {
  return BigInt(`0x${job.used}`) | bitOf(runOf(graph).program, job.task);
}

/** What the nodes of a job's scope used, as the job keeps it when the scope goes: hexadecimal bits. */
export function usedInScope(graph: Graph, scope: Scope): string {
  let used = 0n;
  for (const id of scope.nodes.values()) {
    const node = graph.nodes.get(id);
    const job = node && jobOf(graph, node);
    if (job) used |= usedBy(graph, job);
  }
  return used.toString(16);
}

const orders = new WeakMap<Program, readonly string[]>();

function taskOrder(program: Program): readonly string[] {
  const known = orders.get(program);
  if (known) return known;
  const order = [...new Set([...Object.keys(program.tasks), SCRIPT_TASK])].sort();
  orders.set(program, order);
  return order;
}

function bitOf(program: Program, task: string): bigint {
  const place = taskOrder(program).indexOf(task);
  return place < 0 ? 0n : 1n << BigInt(place);
}
