/** What every cache of evaluations does. */

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Cache, Evaluation } from '../../core/engine/ports.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';

let count = 0;
const freshEval = (): EvalHash => digest('test', `${Date.now()} ${count++}`) as EvalHash;

export function evaluation(change: Partial<Evaluation> = {}): Evaluation {
  return {
    hash: freshEval(),
    task: 'test.add',
    expression: [1, 2, ['op', 'add', [0, 1]]],
    run: 'run1' as RunId,
    at: 1_800_000_000_000,
    ...change,
  };
}

function byEval(evaluations: readonly Evaluation[]): Map<EvalHash, Evaluation> {
  return new Map(evaluations.map((each) => [each.hash, each]));
}

/** Each call of `open` gives a view of the same cache. */
export function cacheContract(name: string, open: () => Promise<Cache>): void {
  describe(`${name} keeps evaluations`, () => {
    it('as they were written, with and without what they rest on', async () => {
      const cache = await open();
      const written = [evaluation(), evaluation({ requires: { 't.inner': digest('task', 'inner') } })];
      await cache.write(written);
      expect(await cache.read(written.map((each) => each.hash))).toEqual(byEval(written));
    });

    it('and leaves out of an answer what it has not', async () => {
      const cache = await open();
      const known = evaluation();
      await cache.write([known]);
      expect(await cache.read([freshEval(), known.hash, freshEval()])).toEqual(byEval([known]));
      expect(await cache.read([])).toEqual(new Map());
      await cache.write([]);
    });

    it('and the last write wins, also within one', async () => {
      const cache = await open();
      const first = evaluation({ requires: { 't.inner': digest('task', 'inner') } });
      await cache.write([first]);
      const { requires: _, ...second } = { ...first, expression: ['second'], run: 'run2' as RunId, at: first.at + 1 };
      await cache.write([first, second]);
      expect(await cache.read([first.hash])).toEqual(byEval([second]));
    });

    it('by the hundred, asked for twice or once', async () => {
      const cache = await open();
      const written = Array.from({ length: 260 }, () => evaluation());
      await cache.write(written);
      const evals = written.map((each) => each.hash);
      expect(await cache.read([...evals, ...evals])).toEqual(byEval(written));
    });

    it('however large they are', async () => {
      const cache = await open();
      const large = () => [randomBytes(300_000).toString('base64')];
      const written = [evaluation({ expression: large() }), evaluation({ expression: large() })];
      await cache.write(written);
      expect(await cache.read(written.map((each) => each.hash))).toEqual(byEval(written));
    });
  });
}
