import { expect, it } from 'vitest';
import { task } from '../../core/index.ts';
import { makeBundle } from '../../core/library/entry.ts';

it('a task without a version or a known source is an error of the program, not of its definition', () => {
  task('sources.none', (n: number) => n);
  expect(() => makeBundle(undefined, undefined).program()).toThrow(
    'the task sources.none has neither a version nor a known source',
  );
});
