import { describe, expect, it } from 'vitest';
import { machineTrouble } from '../../cli/trouble.ts';

function coded(code: string, path?: string): Error {
  return Object.assign(new Error(code), { code, ...(path && { path }) });
}

describe("the machine's troubles are told in one sentence with what to do", () => {
  it.each([
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'quota'],
    ['EROFS', 'read-only'],
    ['EACCES', 'not allowed'],
    ['EIO', 'the disk fails'],
    ['LEVEL_CORRUPTION', 'redex clean'],
  ])('%s', (code, sentence) => {
    expect(machineTrouble(coded(code, '/some/path'))).toMatch(new RegExp(`^/some/path: .*${sentence}`));
    const wrapped = new Error('Database failed to open', { cause: new Error('below', { cause: coded(code) }) });
    expect(machineTrouble(wrapped)).toContain(sentence);
    expect(machineTrouble(wrapped)).not.toContain('\n');
  });

  it('and every other error is left as it is', () => {
    expect(machineTrouble(new TypeError('x is not a function'))).toBeUndefined();
    expect(machineTrouble('just text')).toBeUndefined();
    const round = new Error('round');
    round.cause = round;
    expect(machineTrouble(round)).toBeUndefined();
  });
});
