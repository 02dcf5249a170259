/** Nodes that wait under one key, as equal calls of many jobs do. */

import { describe, expect, it } from 'vitest';
import { draftOf } from '../../core/graph/draft.ts';
import type { GraphNode } from '../../core/graph/graph.ts';
import { waitForRecovery } from '../../core/graph/recovery.ts';
import { release } from '../../core/graph/release.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, Hash } from '../../core/values/ids.ts';

const KEY = digest('catch', 'one for all') as EvalHash;

function nodeOf(id: number): GraphNode {
  const hash: Hash = digest('node', String(id));
  const edges = { inputs: [], settled: 0, users: [] };
  return {
    id,
    scope: 0,
    hash,
    shape: { kind: 'value' },
    ...edges,
    result: null,
    waits: null,
    stage: null,
    outcome: null,
  };
}

describe('nodes that wait under one key', () => {
  it.each(['first to last', 'last to first'])('leave %s, and the last one takes the key along', (order) => {
    const draft = draftOf();
    const nodes = [1, 2, 3].map(nodeOf);
    for (const node of nodes) {
      draft.edits.put(draft.graph.nodes, node.id, node);
      waitForRecovery(draft, node, KEY);
    }
    const leaving = order === 'first to last' ? nodes : nodes.toReversed();
    for (const [at, node] of leaving.entries()) {
      expect(draft.graph.recalls.has(KEY), `before leaving ${at}`).toBe(true);
      release(draft, [node]);
    }
    expect(draft.graph.recalls.size).toBe(0);
  });

  it('cost the same each, however many there are: 50,000 come and go in no time', () => {
    const draft = draftOf();
    const nodes = Array.from({ length: 50_000 }, (_, at) => nodeOf(at + 1));
    for (const node of nodes) draft.edits.put(draft.graph.nodes, node.id, node);
    const before = process.cpuUsage();
    for (const node of nodes) waitForRecovery(draft, node, KEY);
    for (const node of nodes) release(draft, [node]);
    const { user, system } = process.cpuUsage(before);
    expect(draft.graph.recalls.size).toBe(0);
    expect((user + system) / 1000).toBeLessThan(5000);
  });
});
