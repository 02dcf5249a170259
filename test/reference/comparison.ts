/** Runs a program through the engine and says how that differs from what the reference finds. */

import { loadLarge } from '../../core/engine/objects.ts';
import type { Host, RunSummary } from '../../core/engine/ports.ts';
import { isCaughtBy } from '../../core/graph/errors.ts';
import { makeBundle } from '../../core/library/entry.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { hashOf, type Table, TableBuilder } from '../../core/values/table.ts';
import { inProcessHost } from '../support/in-process-host.ts';
import { type MemoryWorld, memoryWorld } from '../support/memory-world.ts';
import { plain, start, totals } from '../support/play.ts';
import { interpret } from './evaluator.ts';
import config from './redex.config.ts';
import { build, type Program } from './vocabulary.ts';

const BUNDLE = digest('test', 'reference');
const inProcess = inProcessHost(makeBundle(config, undefined), BUNDLE);
const program = inProcess.program(BUNDLE);

/** A world whose host knows the tasks of the vocabulary; by default it runs them in this process. */
export function referenceWorld(host: Host = { ...inProcess, program: () => program }): MemoryWorld {
  return memoryWorld({ host });
}

/** Takes a run, whose first entry is written, to its end. */
export interface Drive {
  (world: MemoryWorld, run: RunId): Promise<RunSummary>;
  /** Whether it loses machines. A failing run retries nothing, so it may report that, too. */
  readonly losesMachines?: boolean;
}

/** What an agreeing run came to, and all the errors the reference knows of. */
export interface Agreement {
  readonly summary: RunSummary;
  readonly errors: readonly Error[];
}

/** Runs the program and throws, with the program to paste, when its outcome is not the reference's or a job has none. */
export async function check(world: MemoryWorld, given: Program, drive: Drive): Promise<Agreement> {
  const { outcome, errors } = interpret(build(given), config.context ?? {});
  const summary = await attempt(given, async () => drive(world, await start(world, build(given))));
  const result = summary.result && (await loadLarge(world.objects, summary.result));
  const allowed = outcome.ok ? [outcome.value] : errors;
  const isSame = allowed.some((value) => result && comparable(encode(value)) === comparable(result));
  const isLost = !outcome.ok && drive.losesMachines && result && isCaughtBy(result, ['MachineLost']);
  if (summary.status !== (outcome.ok ? 'DONE' : 'FAILED') || !(isSame || isLost)) {
    const expected = outcome.ok ? `DONE ${shown(encode(outcome.value))}` : `FAILED ${outcome.error}`;
    throw different(given, `${summary.status} ${shown(result)}`, expected);
  }
  const { pending, running } = totals(summary);
  if (pending || running) throw different(given, `left ${pending} jobs pending and ${running} running`, 'leaves none');
  return { summary, errors };
}

async function attempt<T>(given: Program, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${spelled(given)}`, { cause });
  }
}

function different(given: Program, engine: string, reference: string): Error {
  return new Error(
    `the engine and the reference differ:\n  engine:    ${engine}\n  reference: ${reference}\n${spelled(given)}`,
  );
}

/** The program as it can be pasted into test/reference/found.test.ts. */
function spelled(given: Program): string {
  const text = JSON.stringify(given, (_, part) => (Object.is(part, -0) ? '-0!' : Number.isNaN(part) ? 'NaN!' : part));
  return `  program:   ${text.replaceAll('"-0!"', '-0').replaceAll('"NaN!"', 'Number.NaN')}`;
}

function shown(table: Table | undefined): string {
  if (!table) return 'nothing';
  const text = JSON.stringify(plain(table), (_, part) =>
    part instanceof Error ? `${part.name}: ${part.message}` : part,
  );
  return (text ?? 'undefined').slice(0, 300);
}

/** A hash that leaves out what an error carries beside its names and message: stacks name the frames they were made in. */
function comparable(table: Table): string {
  const builder = new TableBuilder();
  const bare = table.map((node) =>
    Array.isArray(node) && node[0] === 'error' ? JSON.stringify(node.slice(0, 4)) : node,
  );
  return hashOf(builder.build(builder.addTable(bare as Table)));
}
