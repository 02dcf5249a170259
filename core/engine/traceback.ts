/** How a failure came about, for people: the calls that led to it, the error, and where in the author's files it was thrown. */

import { jobChain } from '../graph/ending.ts';
import { errorLine } from '../graph/errors.ts';
import { type Graph, type Job, runOf } from '../graph/graph.ts';
import { briefArguments, briefCall } from '../values/brief.ts';
import { adviceOn } from '../values/errors.ts';
import type { JobId } from '../values/ids.ts';
import { errorIn, nodeAt, recordIn } from '../values/nodes.ts';
import { type Program, SCRIPT_TASK } from '../values/program.ts';
import type { Index, Table } from '../values/table.ts';

/** Calls in the middle of a very deep chain say nothing new. */
const CHAIN_END_LENGTH = 20;
const STACK_LENGTH_MAX = 10;
const CAUSES_MAX = 5;

export function tracebackOf(graph: Graph, origin: JobId | null, error: Table): string {
  const { program } = runOf(graph);
  const chain = jobChain(graph, origin);
  const left = chain.length - 2 * CHAIN_END_LENGTH;
  const frames = (jobs: readonly Job[]) => jobs.map((job) => frameOf(graph, job, program));
  const calls =
    left <= 0
      ? frames(chain)
      : [...frames(chain.slice(0, CHAIN_END_LENGTH)), `… ${left} more …`, ...frames(chain.slice(-CHAIN_END_LENGTH))];
  return [
    'Traceback (task most recent last):',
    ...calls.map((call) => `  ${call}`),
    errorLine(error),
    ...authorStack(error),
    ...advice(error),
  ].join('\n');
}

/** The error of a job outside the traceback. All scripts have one name: one is told by what it was given and who called it. */
export function errorOfJob(graph: Graph, id: JobId, error: Table): string {
  const job = graph.jobs.get(id);
  const line = errorLine(error);
  if (job?.task !== SCRIPT_TASK) return line;
  const parent = job.parent === null ? undefined : graph.jobs.get(job.parent);
  const caller = parent ? callText(graph, parent) : job.caller;
  const call = `${callText(graph, job)}${caller === undefined ? '' : ` in ${caller}`}`;
  const name = `: ${SCRIPT_TASK}: `;
  return line.includes(name) ? line.replace(name, () => `: ${call}: `) : `${call}: ${line}`;
}

function frameOf(graph: Graph, job: Job, program: Program): string {
  const place = program.tasks[job.task]?.place;
  return `${callText(graph, job)}${place === undefined ? '' : `  (${place})`}`;
}

/** Of a job that has not failed yet, when the run stopped first, the work is still there. */
function callText({ works }: Graph, { task, evaluation, given }: Job): string {
  const args = works.get(evaluation)?.args;
  return briefCall(task, given ?? (args ? briefArguments(task, args) : '…'));
}

/** What to do about a failure that is not of the author's making, unless its message says so already. */
function advice(error: Table): string[] {
  const { name = '', message = '' } = errorIn(error.at(-1)) ?? {};
  const advised = adviceOn(name);
  return advised === undefined || message.includes(advised) ? [] : [`What to do: ${advised}`];
}

/** Where modules of redex and of Node's own stand in stacks. */
const FOREIGN_FRAME = /\b(?:redex|node):/;

/** The frames of the error's stack that are the author's, and those of what caused it; scripts and the engine have none. */
function authorStack(error: Table): string[] {
  const lines: string[] = [];
  for (let cause = causeIn(error, error.length - 1), depth = 0; cause; cause = causeIn(error, cause.next), depth++) {
    if (depth > CAUSES_MAX) break;
    if (depth > 0) lines.push(`Caused by ${cause.name}: ${cause.message}`);
    lines.push(...cause.frames);
  }
  return lines;
}

interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly frames: readonly string[];
  /** Of its own cause. */
  readonly next: Index | undefined;
}

function causeIn(table: Table, index: Index | undefined): Thrown | undefined {
  const error = errorIn(index === undefined ? undefined : table[index]);
  if (!error) return undefined;
  const stack = table[fieldOf(table, error.extras, 'stack') ?? -1];
  const lines = typeof stack === 'string' ? stack.split('\n') : [];
  const frames = lines.filter((line) => /^ {4}at /.test(line) && !FOREIGN_FRAME.test(line));
  return {
    name: error.name,
    message: error.message,
    frames: frames.slice(0, STACK_LENGTH_MAX),
    next: fieldOf(table, error.extras, 'cause'),
  };
}

function fieldOf(table: Table, record: Index, name: string): Index | undefined {
  const { keys = [], values = [] } = recordIn(nodeAt(table, record)) ?? {};
  return values[keys.indexOf(name)];
}
