import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../core/engine/ports.ts';
import type { FactType } from '../../core/graph/facts.ts';
import { folded } from './summary.ts';

interface Recording {
  readonly folded: unknown;
  readonly entries: readonly Entry[];
}

/** Facts of runs with a thousand jobs and more. */
type NotSmall = 'left' | 'joined' | 'gone';

const FILES = globSync('*.json', { cwd: import.meta.dirname }).sort();

function recording(file: string): Recording {
  return JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as Recording;
}

describe('a recorded journal', () => {
  it.each(FILES)('folds to what it folded to when it was recorded: %s', (file) => {
    const { entries, folded: expected } = recording(file);
    expect(folded(entries)).toEqual(expected);
  });

  it.each(FILES)('folds to the same however it is cut into entries: %s', (file) => {
    const { entries, folded: expected } = recording(file);
    const single = entries.flatMap((entry) => entry.facts.map((fact) => ({ ...entry, facts: [fact] })));
    const whole = [{ ...(entries[0] as Entry), facts: entries.flatMap(({ facts }) => facts) }];
    expect(folded(single)).toEqual(expected);
    expect(folded(whole)).toEqual(expected);
  });

  it.each(FILES)('changes nothing when its facts come twice: %s', (file) => {
    const { entries, folded: expected } = recording(file);
    // A retry is another beginning whenever it comes: it is not said twice.
    const twice = entries.flatMap((entry) => [
      entry,
      { ...entry, facts: entry.facts.filter(({ type }) => type !== 'retried') },
    ]);
    expect(folded(twice)).toEqual({ ...(expected as object), passed: expect.anything() });
  });
});

describe('the recordings together', () => {
  it('hold every type of fact that a small run has', () => {
    const recorded = new Set<string>(
      FILES.flatMap((file) => recording(file).entries.flatMap(({ facts }) => facts.map(({ type }) => type))),
    );
    const wanted: Readonly<Record<Exclude<FactType, NotSmall>, true>> = {
      acknowledged: true,
      cancelled: true,
      claimed: true,
      computed: true,
      ended: true,
      failed: true,
      missed: true,
      observed: true,
      refused: true,
      retried: true,
      returned: true,
      reused: true,
      started: true,
      unseen: true,
      withdrawn: true,
    };
    expect(Object.keys(wanted).filter((type) => !recorded.has(type))).toEqual([]);
  });
});
