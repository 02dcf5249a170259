/** What made a file: read from a run's journal, never stored. */

import { draftOf } from '../graph/draft.ts';
import { callChain } from '../graph/ending.ts';
import { evolve } from '../graph/evolve.ts';
import type { Fact } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { type Leaf, leavesOf } from '../values/contents.ts';
import type { EvalHash, JobId, RunId } from '../values/ids.ts';
import type { Table } from '../values/table.ts';
import { loadLarge } from './objects.ts';
import type { Objects, World } from './ports.ts';

/** Work of a run that returned a file, and the files it was given. */
export interface Origin {
  readonly task: string;
  readonly evaluation: EvalHash;
  /** The jobs that evaluated it: several where contexts differ. */
  readonly jobs: readonly JobId[];
  /** The task calls that led to the first of them, outermost first. */
  readonly calls: readonly string[];
  /** Whether its result came from another run. */
  readonly reused: boolean;
  readonly outputs: readonly Leaf[];
  readonly inputs: readonly Leaf[];
}

/**
 * The work that made the file, nearest first, then what made its inputs, and so on: the file's lineage as far as this
 * run knows it. Empty when no job of the run made it. Folds the whole journal: linear in the run's length.
 */
export async function lineageOf(world: World, run: RunId, location: string): Promise<Origin[]> {
  const origins = await originsIn(world, run);
  const made = Map.groupBy(
    origins.flatMap((origin) => origin.outputs.map((output) => ({ origin, place: output.location }))),
    ({ place }) => place,
  );
  const lineage = new Set<Origin>();
  const wanted = new Set([location]);
  for (const place of wanted) {
    for (const { origin } of made.get(place) ?? []) {
      lineage.add(origin);
      for (const input of origin.inputs) wanted.add(input.location);
    }
  }
  return [...lineage];
}

/** All work of the run that returned files it was not given. */
async function originsIn(world: World, run: RunId): Promise<Origin[]> {
  const draft = draftOf();
  const origins: Origin[] = [];
  for (const entry of await world.journal.readAfter(run, 0)) {
    for (const fact of entry.facts) {
      const origin = await originOf(world.objects, draft.graph, fact);
      if (evolve(draft, fact) && origin) origins.push(origin);
    }
  }
  return origins;
}

async function originOf(objects: Objects, graph: Graph, fact: Fact): Promise<Origin | undefined> {
  if (fact.type !== 'returned' && fact.type !== 'reused') return undefined;
  const work = graph.works.get(fact.eval);
  if (!work) return undefined;
  const inputs = await filesIn(objects, work.args);
  const given = new Set(inputs.map(({ location, version }) => `${version} ${location}`));
  const found = await filesIn(objects, fact.expression);
  const outputs = found.filter(({ location, version }) => !given.has(`${version} ${location}`));
  if (outputs.length === 0) return undefined;
  return {
    task: work.task,
    evaluation: work.evaluation,
    jobs: [...work.jobs],
    calls: callChain(graph, work.jobs[0] ?? null),
    reused: fact.type === 'reused',
    outputs,
    inputs,
  };
}

/** Each file once. */
async function filesIn(objects: Objects, table: Table): Promise<Leaf[]> {
  const whole = leavesOf(table).refs.length > 0 ? await loadLarge(objects, table) : table;
  return leavesOf(whole).files;
}
