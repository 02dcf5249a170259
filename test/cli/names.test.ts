import { describe, expect, it } from 'vitest';
import { fullName, nearest } from '../../cli/names.ts';

const NAMES = ['bioinfo_batch.main', 'bioinfo_batch.prepare_samples', 'hello.greet'];

describe('the name of a workflow', () => {
  it.each([
    ['bioinfo_batch.main', 'bioinfo_batch.main'],
    ['main', 'bioinfo_batch.main'],
    ['greet', 'hello.greet'],
  ])('%s stands for %s', (given, name) => {
    expect(fullName(given, NAMES)).toBe(name);
  });

  it('must not be short for two', () => {
    expect(() => fullName('main', [...NAMES, 'hello.main'])).toThrow(
      'main could be any of: bioinfo_batch.main, hello.main',
    );
  });

  it('that is unknown is answered with the nearest and with all there are', () => {
    expect(() => fullName('mian', NAMES)).toThrow('there is no workflow mian; did you mean bioinfo_batch.main?');
    expect(() => fullName('mian', NAMES)).toThrow(NAMES.map((name) => `  ${name}`).join('\n'));
  });

  it('is guessed only when something is near', () => {
    expect(nearest('prepare_sample', NAMES)).toBe('bioinfo_batch.prepare_samples');
    expect(nearest('variant_calling', NAMES)).toBeUndefined();
  });
});
