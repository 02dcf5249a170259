/** Changes that are taken back leave no trace, neither in what is there nor in its order. */
import { describe, expect, it } from 'vitest';
import { Edits } from '../../core/graph/edits.ts';

function changed(change: (edits: Edits) => void): Edits {
  const edits = new Edits();
  edits.begin();
  change(edits);
  return edits;
}

describe('a rollback', () => {
  it('puts an entry back where it was in its map', () => {
    const map = new Map([1, 2, 3, 4].map((key) => [key, `${key}`]));
    changed((edits) => {
      edits.put(map, 5, 'new');
      edits.drop(map, 2);
      edits.drop(map, 1);
      edits.put(map, 3, 'changed');
      edits.put(map, 2, 'again');
    }).rollback();
    expect([...map]).toEqual([1, 2, 3, 4].map((key) => [key, `${key}`]));
  });

  it('puts an entry back by its number where its map is in the order of one', () => {
    const map = new Map(['a', 'b', 'c'].map((key, at) => [key, at]));
    changed((edits) => {
      edits.put(map, 'd', 3);
      edits.drop(map, 'a', (at) => at);
      edits.drop(map, 'b', (at) => at);
    }).rollback();
    expect([...map.keys()]).toEqual(['a', 'b', 'c']);
  });

  it('puts a member back where it was in its set', () => {
    const set = new Set(['a', 'b', 'c']);
    changed((edits) => {
      edits.add(set, 'd');
      edits.remove(set, 'a');
      edits.add(set, 'a');
      edits.remove(set, 'b');
    }).rollback();
    expect([...set]).toEqual(['a', 'b', 'c']);
  });

  it('puts an entry back behind one that was dropped before it', () => {
    const map = new Map([1, 2, 3].map((key) => [key, key]));
    changed((edits) => {
      for (const key of [3, 1, 2]) edits.drop(map, key);
    }).rollback();
    expect([...map.keys()]).toEqual([1, 2, 3]);
  });

  it('takes a field away that was not there', () => {
    const job: { readonly id: number; readonly given?: string } = { id: 1 };
    changed((edits) => edits.set(job, 'given', 'x')).rollback();
    expect(Object.keys(job)).toEqual(['id']);
  });

  it('gives lists their members back', () => {
    const list: readonly number[] = [1, 2];
    changed((edits) => {
      edits.pop(list);
      edits.push(list, 3);
      edits.push(list, 4);
    }).rollback();
    expect(list).toEqual([1, 2]);
  });
});

describe('changes that stay', () => {
  it('are not taken back by a later rollback, and their order is the new one', () => {
    const map = new Map([1, 2, 3].map((key) => [key, key]));
    const edits = changed((made) => {
      made.drop(map, 1);
      made.put(map, 1, 10);
    });
    edits.commit();
    edits.begin();
    edits.drop(map, 3);
    edits.rollback();
    expect([...map]).toEqual([
      [2, 2],
      [3, 3],
      [1, 10],
    ]);
  });
});
