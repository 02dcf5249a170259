/** What grows is told everywhere it matters: the compiler names every place that a new one has to be told to. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Added, type Change, type Copy, copyOfProject } from './compiled.ts';

interface Case {
  readonly what: string;
  readonly changes: readonly Change[];
  /** The files that do not compile then. */
  readonly places: readonly string[];
}

function after(file: string, text: string, added: string): Change {
  return { file, text, instead: `${text}${added}` };
}

const CASES: readonly Case[] = [
  {
    what: 'kind of value without parts',
    changes: [after('core/values/table.ts', "  | readonly ['stdout']", "\n  | readonly ['colour', string]")],
    places: [
      'core/graph/expressions.ts',
      'core/values/brief.ts',
      'core/values/contents.ts',
      'core/values/decode.ts',
      'core/values/operators-get.ts',
      'core/values/pretty.ts',
      'core/values/table.ts',
    ],
  },
  {
    what: 'kind of value with parts',
    changes: [after('core/values/table.ts', "  | readonly ['stdout']", "\n  | readonly ['pair', C, C]")],
    places: [
      'core/graph/expressions.ts',
      'core/values/brief.ts',
      'core/values/contents.ts',
      'core/values/decode.ts',
      'core/values/operators-get.ts',
      'core/values/pretty.ts',
      'core/values/table.ts',
    ],
  },
  {
    what: 'field of the graph',
    changes: [
      after(
        'core/graph/graph.ts',
        '  readonly done: readonly DoneSegment[];',
        '\n  readonly seen: ReadonlyMap<string, number>;',
      ),
    ],
    places: ['core/graph/fields.ts'],
  },
  {
    what: 'field of the graph in which nodes wait, told as one in which none do',
    changes: [
      after(
        'core/graph/graph.ts',
        '  readonly done: readonly DoneSegment[];',
        '\n  readonly asking: ReadonlyMap<Hash, { readonly nodes: readonly NodeId[] }>;',
      ),
      after(
        'core/graph/fields.ts',
        "  done: { held: asIs(() => []), onRetry: 'kept', isWaiting: false },",
        "\n  asking: { held: entries(), onRetry: 'forgotten', isWaiting: false },",
      ),
    ],
    places: ['core/graph/fields.ts'],
  },
  {
    what: 'option of jobs',
    changes: [after('core/values/program.ts', '  readonly effects?: boolean;', '\n  readonly preemptible?: boolean;')],
    places: ['core/values/options.ts'],
  },
  {
    what: 'option that executors are told of, and in which jobs of one array may differ',
    changes: [
      after('core/values/program.ts', '  readonly effects?: boolean;', '\n  readonly preemptible?: boolean;'),
      after(
        'core/values/options.ts',
        '  effects: { ...KEPT, check: boolean },',
        "\n  preemptible: { ...TOLD, check: boolean, inArray: 'any' },",
      ),
    ],
    places: ['core/values/options.ts'],
  },
  {
    what: 'cause',
    changes: [
      after('core/values/causes.ts', 'export const CAUSES = {', "\n  preempted: { attempts: 5, next: 'the same' },"),
    ],
    places: ['core/engine/learn.ts', 'core/values/causes.ts'],
  },
  {
    what: 'cause with an error of a new name',
    changes: [
      after(
        'core/values/causes.ts',
        'export const CAUSES = {',
        "\n  preempted: { attempts: 5, next: 'the same', error: 'Preempted' },",
      ),
    ],
    places: ['core/engine/learn.ts', 'core/values/causes.ts'],
  },
  {
    what: 'name of errors',
    changes: [after('core/values/errors.ts', 'const ERRORS = {', '\n  Preempted: {},')],
    places: ['core/values/errors.ts'],
  },
  {
    what: 'error that the engine raises under a name of its own',
    changes: [
      { file: 'core/graph/evolve.ts', text: "errorValue('SubmissionRefused'", instead: "errorValue('Refused'" },
    ],
    places: ['core/graph/evolve.ts'],
  },
  {
    what: 'control form',
    changes: [after('core/values/forms.ts', 'export interface FormTerms {', '\n  readonly race: readonly unknown[];')],
    places: ['core/graph/forms/forms.ts', 'core/graph/stages.ts'],
  },
  {
    what: 'stage of a control form',
    changes: [{ file: 'core/graph/stages.ts', text: "force: ['quoted',", instead: "force: ['quoted', 'loaded'," }],
    places: ['core/graph/forms/force.ts'],
  },
  {
    what: 'thing that nodes wait for',
    changes: [
      after('core/graph/graph.ts', 'export type Wait =', "\n  | { readonly in: 'asking'; readonly key: Hash }"),
    ],
    places: ['core/graph/release.ts'],
  },
  {
    what: 'way to compute with a large value',
    changes: [
      after(
        'core/graph/graph.ts',
        'export type Computation =',
        "\n  | { readonly of: 'length'; readonly value: Table }",
      ),
    ],
    places: ['core/engine/meet.ts', 'core/graph/operations.ts', 'core/graph/reduce.ts'],
  },
  {
    what: 'form that authors write and the reducer does not know',
    changes: [{ file: 'core/language/forms.ts', text: "form('force'", instead: "form('forced'" }],
    places: ['core/language/forms.ts'],
  },
  {
    what: 'type of fact',
    changes: [
      after(
        'core/graph/facts.ts',
        'export type Fact =\n  | StartedFact',
        "\n  | { readonly type: 'paused'; readonly at: number }",
      ),
    ],
    places: ['core/graph/evolve.ts', 'core/graph/facts.ts', 'test/golden/journals.test.ts'],
  },
  {
    what: 'shape of nodes',
    changes: [after('core/graph/graph.ts', "  | { readonly kind: 'value' }", "\n  | { readonly kind: 'alias' }")],
    places: ['core/graph/reduce.ts'],
  },
  {
    what: 'state of jobs at executors',
    changes: [after('core/engine/executor.ts', "{ readonly is: 'running' }", " | { readonly is: 'paused' }")],
    places: ['core/engine/executor.ts', 'core/engine/waiting.ts'],
  },
  {
    what: 'status of jobs at Batch',
    changes: [after('core/aws/batch/jobs.ts', 'const STATES = {', "\n  PAUSED: 'waiting',")],
    places: ['local/batch/shapes.ts'],
  },
  {
    what: 'reason for the engine to end jobs',
    changes: [
      {
        file: 'core/graph/graph.ts',
        text: "'failing' | 'cancelling' | null",
        instead: "'failing' | 'cancelling' | 'pausing' | null",
      },
    ],
    places: ['core/aws/batch/reasons.ts'],
  },
  {
    what: 'kind of executor',
    changes: [
      { file: 'core/values/program.ts', text: "ExecutorKind = 'batch';", instead: "ExecutorKind = 'batch' | 'glue';" },
    ],
    places: ['core/values/program.ts', 'functions/executor.ts', 'functions/stored.ts'],
  },
  {
    what: 'status of runs',
    changes: [after('core/engine/ports.ts', 'export type RunStatus =', " 'PAUSED' |")],
    places: [
      'cli/client.ts',
      'core/engine/statuses.ts',
      'functions/cancel.ts',
      'functions/retry.ts',
      'functions/shapes.ts',
    ],
  },
  {
    what: 'status of jobs in a run',
    changes: [after('core/graph/graph.ts', 'export type JobStatus =', " 'PAUSED' |")],
    places: ['cli/status-table.ts', 'core/engine/summary.ts', 'core/graph/draft.ts', 'functions/shapes.ts'],
  },
  {
    what: 'answer of an executor to a request',
    changes: [after('core/engine/executor.ts', 'export type SubmitOutcome =', "\n  | { readonly kind: 'queued' }")],
    places: ['core/engine/sending.ts'],
  },
];

/** Writes to the graph that do not go through Edits. */
const WRITES = [
  'graph.stopping = null;',
  'graph.failed.pop();',
  'graph.written.clear();',
  'graph.frontier.clear();',
  "for (const job of graph.jobs.values()) job.status = 'DONE';",
  'for (const node of graph.nodes.values()) node.users.pop();',
  'for (const scope of graph.scopes.values()) scope.nodes.clear();',
];

let copy: Copy;
beforeAll(async () => {
  copy = await copyOfProject();
});
afterAll(() => copy.remove());

it('the project compiles as it is', async () => {
  expect(await copy.complaints([])).toEqual([]);
});

describe('the compiler names every place', () => {
  it.each(CASES)('that a new $what has to be told to', async ({ changes, places }) => {
    expect(await copy.complaints(changes)).toEqual(places);
  });
});

it('the graph is written by Edits alone', async () => {
  const careless = WRITES.map((write, at): Added => {
    const text = `import type { Graph } from './graph.ts';\nexport function careless(graph: Graph): void {\n  ${write}\n}\n`;
    return { file: `core/graph/careless-${at}.ts`, text };
  });
  expect(await copy.complaints(careless)).toEqual(careless.map(({ file }) => file));
});
