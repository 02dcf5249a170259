/** Which of the jobs that are ready go out together, and which must wait for room under a limit. */
import { arrayKey } from '../values/options.ts';
import { at } from '../values/present.ts';
import type { Attempt } from './demands.ts';
import { type Graph, runOf } from './graph.ts';

/** An array of one is a job by itself. */
const ARRAY_SIZE_MIN = 2;

/** How many jobs the executor of this name takes as one submission. */
export type SizeMaxOf = (executor: string) => number;

/** Splits ready attempts into submissions: those that share all that a request says once for its jobs share an array. */
export function groupAttempts(graph: Graph, ready: readonly Attempt[], sizeMaxOf: SizeMaxOf): Attempt[][] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of withinLimits(graph, ready)) {
    const key = arrayKey(attempt.options);
    const group = groups.get(key);
    if (group) group.push(attempt);
    else groups.set(key, [attempt]);
  }
  return [...groups.values()].flatMap((group) => splitGroup(group, sizeMaxOf));
}

function splitGroup(group: readonly Attempt[], sizeMaxOf: SizeMaxOf): Attempt[][] {
  const { minArraySize = ARRAY_SIZE_MIN, executor = '' } = at(group, 0).options;
  const sizeMax = sizeMaxOf(executor);
  if (group.length < Math.max(ARRAY_SIZE_MIN, minArraySize) || sizeMax < ARRAY_SIZE_MIN)
    return group.map((attempt) => [attempt]);
  const parts: Attempt[][] = [];
  for (let from = 0; from < group.length; from += sizeMax) parts.push(group.slice(from, from + sizeMax));
  return parts;
}

/** The attempts there is room for now, oldest first, counting what is in flight. */
function withinLimits(graph: Graph, ready: readonly Attempt[]): Attempt[] {
  if (ready.every(({ options }) => !options.limits)) return [...ready];
  const used = limitsInUse(graph);
  return ready.filter(({ options }) => {
    const wanted = Object.entries(options.limits ?? {});
    const fits = wanted.every(([name, amount]) => (used.get(name) ?? 0) + amount <= limitOf(graph, name));
    if (fits) for (const [name, amount] of wanted) used.set(name, (used.get(name) ?? 0) + amount);
    return fits;
  });
}

function limitOf(graph: Graph, name: string): number {
  return runOf(graph).program.limits[name] ?? Number.POSITIVE_INFINITY;
}

function limitsInUse(graph: Graph): Map<string, number> {
  const used = new Map<string, number>();
  for (const submission of graph.submissions.values()) {
    for (const job of submission.jobs) {
      const work = graph.works.get(job.eval);
      if (work?.submission !== submission.id) continue;
      for (const [name, amount] of Object.entries(work.options.limits ?? {}))
        used.set(name, (used.get(name) ?? 0) + amount);
    }
  }
  return used;
}
