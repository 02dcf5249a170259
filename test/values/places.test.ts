import { describe, expect, it } from 'vitest';
import { clashOf, clashText, spelled } from '../../core/values/places.ts';

const targets = (...locations: string[]) => locations.map((location, at) => ({ location, name: `n${at}` }));

describe('a place', () => {
  it.each([
    ['a//b/./c', 'a/b/c'],
    ['a/x/../b', 'a/b'],
    ['a/b/..', 'a'],
    ['../a', '../a'],
    ['a/../../b', '../b'],
    ['/../a/', '/a/'],
    ['/a//b/', '/a/b/'],
    ['s3://bucket/a//b/../c', 's3://bucket/a//b/../c'],
  ])('spelled %s is %s', (location, one) => {
    expect(spelled(location)).toBe(one);
  });
});

describe('two outputs of one script', () => {
  it.each([
    ['a', 'a'],
    ['out/a', 'out//./a'],
    ['out/x/../a', 'out/a'],
    ['out/a', 'out/a/'],
    ['out/k/z', 'out/k/'],
    ['out/k/', 'out/k/deep/er/z'],
    ['s3://b/k/', 's3://b/k/z'],
    ['/a/b', '/a/../a/b'],
  ])('to %s and %s clash', (first, second) => {
    const clash = clashOf(targets('other', first, 'another/', second));
    expect(clash?.map(({ location }) => location).sort()).toEqual([first, second].sort());
    expect(clash && clashText(clash)).toMatch(/^outputs: .* (are one place|lie in one another)/);
  });

  it.each([
    ['a', 'ab'],
    ['out/k/', 'out/kz'],
    ['a', '../a'],
    ['a', '/a'],
    ['s3://b/k', 's3://c/k'],
  ])('to %s and %s do not', (first, second) => {
    expect(clashOf(targets(first, second))).toBeUndefined();
  });

  it('may be the same thing twice', () => {
    const one = { location: 'a', name: 'x' };
    expect(clashOf([one, { ...one }])).toBeUndefined();
  });
});
