import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance } from '../../core/values/nearest.ts';

it.each([
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
  ['same', 'same', 0],
  ['mian', 'main', 1],
  ['memroy', 'memory', 1],
])('%j and %j are %i edits apart', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

describe('a name that was meant', () => {
  const NAMES = ['memory', 'memoryMax', 'vcpus', 'gpus', 'timeoutSeconds', 'image'];

  it.each([
    ['memroy', 'memory'],
    ['MEMORY', 'memory'],
    ['memmoryMax', 'memoryMax'],
    ['cpu', 'vcpus'],
    ['timeout', 'timeoutSeconds'],
    ['gpus_wanted', 'gpus'],
    ['images', 'image'],
  ])('is found from %s: %s', (given, name) => {
    expect(didYouMean(given, NAMES)).toBe(`; did you mean '${name}'?`);
  });

  it.each(['retries', 'ma', 'constructor', ''])('is not guessed from %j', (given) => {
    expect(didYouMean(given, NAMES)).toBe('');
  });
});
