/** What holds of every history: snapshots, edits that are taken back, and facts that come twice, late or from elsewhere. */
import { describe, expect, it } from 'vitest';
import { type Draft, draftOf } from '../../core/graph/draft.ts';
import { evolve } from '../../core/graph/evolve.ts';
import type { Fact, FactType } from '../../core/graph/facts.ts';
import type { Graph } from '../../core/graph/graph.ts';
import { graphOf, type Snapshot, snapshotOf } from '../../core/graph/snapshot.ts';
import { cancelled } from './facts.ts';
import { demandLines, ended } from './harness.ts';
import { HISTORIES } from './histories.ts';

const NAMES = Object.keys(HISTORIES);

function factsOf(name: string): readonly Fact[] {
  return HISTORIES[name]?.().facts ?? [];
}

function folded(facts: readonly Fact[]): Draft {
  const draft = draftOf();
  for (const fact of facts) evolve(draft, fact);
  return draft;
}

function textOf(graph: Graph): string {
  return JSON.stringify(snapshotOf(graph));
}

/** The graph as data, whatever the order of its maps. */
function contentOf(graph: Graph): unknown {
  const { nodes, scopes, ...plain } = JSON.parse(textOf(graph)).graph;
  const unordered = Object.entries({ nodes, ...plain }).map(([key, value]) => [
    key,
    MAPS.has(key) ? sorted(value) : value,
  ]);
  return [
    Object.fromEntries(unordered),
    sorted(scopes.map((scope: { nodes: unknown }) => ({ ...scope, nodes: sorted(scope.nodes) }))),
  ];
}

const MAPS: ReadonlySet<string> = new Set(
  Object.entries(draftOf().graph).flatMap(([key, value]) =>
    value instanceof Map || value instanceof Set ? [key] : [],
  ),
);

function sorted(value: unknown): unknown {
  return Array.isArray(value) ? value.map((member) => JSON.stringify(member)).sort() : value;
}

/** Each place in a history, with the graph there. */
function everyPlace(
  name: string,
  visit: (draft: Draft, next: Fact | undefined, at: number, facts: readonly Fact[]) => void,
): void {
  const facts = factsOf(name);
  for (let at = 0; at <= facts.length; at++) visit(folded(facts.slice(0, at)), facts[at], at, facts);
}

/** Of all histories, and those that may be said of any run: at any time. */
const ALL: readonly Fact[] = [...NAMES.flatMap(factsOf), cancelled, ended];

describe('the histories', () => {
  it('have every type of fact between them', () => {
    const types: Record<FactType, true> = {
      ...{ started: true, observed: true, unseen: true, computed: true, missed: true, reused: true, returned: true },
      ...{
        failed: true,
        claimed: true,
        acknowledged: true,
        withdrawn: true,
        refused: true,
        cancelled: true,
        left: true,
      },
      ...{ joined: true, gone: true, retried: true, ended: true },
    };
    expect([...new Set(ALL.map(({ type }) => type))].sort()).toEqual(Object.keys(types).sort());
  });
});

describe('a snapshot', () => {
  it.each(NAMES)('read back after every fact goes on as the graph does: %s', (name) => {
    const story = HISTORIES[name]?.();
    if (!story) throw new Error(name);
    everyPlace(name, (draft, _next, at, facts) => {
      const graph = graphOf(JSON.parse(textOf(draft.graph)) as Snapshot) as Graph;
      expect(textOf(graph)).toBe(textOf(draft.graph));
      const again = draftOf(graph);
      for (const fact of facts.slice(at)) {
        expect(evolve(again, fact)).toBe(evolve(draft, fact));
        expect(demandLines(story, again.graph)).toEqual(demandLines(story, draft.graph));
      }
      expect(textOf(again.graph)).toBe(textOf(draft.graph));
    });
  });

  it('of another format is none', () => {
    const { graph, format } = snapshotOf(folded(factsOf('nested calls')).graph);
    expect(graphOf({ graph, format: format + 1 })).toBeUndefined();
  });

  it('does not change with the graph it was made of', () => {
    const [first, ...facts] = factsOf('jobs that leave and are joined');
    const draft = folded([first as Fact]);
    const text = textOf(draft.graph);
    const snapshot = JSON.parse(text) as Snapshot;
    for (const fact of facts) evolve(draft, fact);
    expect(textOf(graphOf(snapshot) as Graph)).toBe(text);
  });
});

describe('edits that are taken back', () => {
  it.each(NAMES)('leave the graph as it was, whichever fact they folded: %s', (name) => {
    everyPlace(name, (draft) => {
      const before = contentOf(draft.graph);
      for (const fact of ALL) {
        draft.edits.begin();
        evolve(draft, fact);
        draft.edits.rollback();
      }
      expect(contentOf(draft.graph)).toEqual(before);
    });
  });

  it.each(NAMES)('leave the graph as it was, whatever number of facts they folded: %s', (name) => {
    everyPlace(name, (draft, _next, at, facts) => {
      const before = contentOf(draft.graph);
      draft.edits.begin();
      for (const fact of facts.slice(at)) evolve(draft, fact);
      draft.edits.rollback();
      expect(contentOf(draft.graph)).toEqual(before);
    });
  });

  it.each(NAMES)('do not show in what the graph comes to: %s', (name) => {
    const facts = factsOf(name);
    const draft = draftOf();
    for (const fact of facts) {
      draft.edits.begin();
      for (const other of facts) evolve(draft, other);
      draft.edits.rollback();
      expect(evolve(draft, fact)).toBe(true);
    }
    expect(contentOf(draft.graph)).toEqual(contentOf(folded(facts).graph));
  });

  it.each(NAMES)('and those that stay: after a commit there is nothing to take back: %s', (name) => {
    const facts = factsOf(name);
    const draft = draftOf();
    for (const fact of facts) {
      draft.edits.begin();
      evolve(draft, fact);
      draft.edits.commit();
      draft.edits.rollback();
    }
    expect(textOf(draft.graph)).toBe(textOf(folded(facts).graph));
  });
});

describe('facts that do not apply', () => {
  it.each(NAMES)('are passed over: each that is told again at once: %s', (name) => {
    everyPlace(name, (draft, next) => {
      // A claim that is told again before it was acknowledged is another sender's.
      if (!next || next.type === 'claimed') return;
      evolve(draft, next);
      const before = textOf(draft.graph);
      expect(evolve(draft, next), next.type).toBe(false);
      expect(textOf(draft.graph)).toBe(before);
    });
  });

  it.each(NAMES)('are passed over: all, before the run has started: %s', (name) => {
    const draft = draftOf();
    const before = textOf(draft.graph);
    for (const fact of factsOf(name).slice(1)) expect(evolve(draft, fact)).toBe(false);
    expect(textOf(draft.graph)).toBe(before);
  });

  it.each(NAMES)('change nothing, of whatever history and at any time: %s', (name) => {
    everyPlace(name, (draft) => {
      const before = contentOf(draft.graph);
      for (const fact of ALL) {
        draft.edits.begin();
        if (evolve(draft, fact)) draft.edits.rollback();
        else draft.edits.commit();
      }
      expect(contentOf(draft.graph)).toEqual(before);
    });
  });
});
