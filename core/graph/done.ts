/**
 * The done index: jobs that have a value and whose callers have gone leave the live graph. What stays is 16 bytes a job,
 * in sorted segments that are never parsed, so that an equal call made later is still joined; the values lie in the
 * object store, one object a segment.
 *
 * 1. What leaves is a function of the graph, so every fold moves the same jobs at the same entry.
 * 2. A value that left is the value this run gave the job, whatever other runs have computed since.
 */

import { digest } from '../values/hash.ts';
import type { Hash, JobId } from '../values/ids.ts';
import type { Table } from '../values/table.ts';
import { byOrdinal, type Draft, failWith, settle, waitUnder } from './draft.ts';
import type { DoneSegment, Graph, GraphNode, Job } from './graph.ts';

/** The first 16 bytes of a job's id. */
const ID_BYTES = 16;

/** Fewer jobs than this are not worth an object of their own. */
export const SEGMENT_JOBS_MIN = 1_000;

type FinishedJob = Job & { readonly outcome: { readonly value: Table } };

function hasValue(job: Job): job is FinishedJob {
  return job.outcome !== null && 'value' in job.outcome;
}

/** The jobs that nothing in the live graph refers to any more, by id. The cost follows the live graph. */
export function finishedJobs(graph: Graph): FinishedJob[] {
  const finished: FinishedJob[] = [];
  for (const job of graph.jobs.values()) {
    if (hasValue(job) && job.callers.every((caller) => !graph.nodes.has(caller))) finished.push(job);
  }
  return finished.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What a segment's object holds: values by job. */
export function segmentValues(jobs: readonly FinishedJob[]): Record<JobId, Table> {
  return Object.fromEntries(jobs.map((job) => [job.id, job.outcome.value]));
}

/** The name of the segment: a hash of the jobs in it. */
export function segmentName(jobs: readonly Job[]): Hash {
  return digest('segment', jobs.map((job) => job.id).join());
}

/** Moves the finished jobs into a segment; does nothing when they are not the ones the fact speaks of. */
export function leave(draft: Draft, segment: Hash): boolean {
  const { graph, edits } = draft;
  const jobs = finishedJobs(graph);
  if (segmentName(jobs) !== segment) return false;
  const ids = Buffer.concat(jobs.map((job) => idBytes(job.id))).toString('base64');
  edits.push(graph.done, { name: segment, ids });
  for (const job of jobs) edits.drop(graph.jobs, job.id, byOrdinal);
  return true;
}

function idBytes(job: JobId): Buffer {
  return Buffer.from(job.slice(0, 2 * ID_BYTES), 'hex');
}

/** Decoded once per segment: segments never change. */
const decoded = new WeakMap<DoneSegment, Buffer>();

function bytesOf(segment: DoneSegment): Buffer {
  const known = decoded.get(segment);
  if (known) return known;
  const bytes = Buffer.from(segment.ids, 'base64');
  decoded.set(segment, bytes);
  return bytes;
}

/** The segment that holds the job, if it is done and gone. Logarithmic in each segment. */
export function segmentOf(graph: Graph, job: JobId): Hash | undefined {
  if (graph.done.length === 0) return undefined;
  const wanted = idBytes(job);
  return graph.done.find((segment) => includes(bytesOf(segment), wanted))?.name;
}

function includes(sorted: Buffer, wanted: Buffer): boolean {
  let low = 0;
  let high = sorted.length / ID_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = sorted.compare(wanted, 0, ID_BYTES, middle * ID_BYTES, (middle + 1) * ID_BYTES);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}

/** Has the call wait for the value of a job that is done and gone. */
export function waitForDone(draft: Draft, node: GraphNode, job: JobId, segment: Hash): void {
  waitUnder(draft, node, { in: 'returning', key: job }, draft.graph.returning, (nodes) => ({ segment, nodes }));
}

/** The value of such a job: its callers have it. */
export function joined(draft: Draft, job: JobId, value: Table): boolean {
  return returned(draft, job, (node) => settle(draft, node, { value }));
}

/** Its value is lost: its callers fail. */
export function gone(draft: Draft, job: JobId, error: Table): boolean {
  return returned(draft, job, (node) => failWith(draft, node, error));
}

function returned(draft: Draft, job: JobId, goOn: (node: GraphNode) => void): boolean {
  const waiting = draft.graph.returning.get(job);
  if (!waiting) return false;
  draft.edits.drop(draft.graph.returning, job);
  for (const id of waiting.nodes) {
    const node = draft.graph.nodes.get(id);
    if (node) goOn(node);
  }
  return true;
}
