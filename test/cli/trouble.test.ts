import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { machineTrouble, unexpected, withAdvice } from '../../cli/trouble.ts';
import { scratchFolder } from '../support/project.ts';

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

describe('a step that failed and is tried again', () => {
  it('is told with what to do where the machine has trouble, and as it is where it has none', () => {
    const told = (reason: string) => withAdvice(`a step of a run failed, and is tried again: ${reason}`);
    expect(told('ENOSPC: no space left on device, write')).toMatch(
      /device, write \(the disk is full: free some space\)$/,
    );
    expect(told('EACCES: permission denied')).toContain('(you are not allowed to: ask for the permission');
    expect(told('Error: of DynamoDB')).toBe('a step of a run failed, and is tried again: Error: of DynamoDB');
  });
});

describe('an error that nobody expected', () => {
  const thrown = new Error('one\ntwo', { cause: new AggregateError([new RangeError('below')], 'several') });

  it('is told in one line, and its whole story, causes too, is in the log of the project', async () => {
    const state = await scratchFolder();
    const sentence = unexpected(thrown, state);
    expect(sentence).toMatch(new RegExp(`^one: that was not expected; .* ${state}/log.jsonl$`));
    const { error } = JSON.parse(readFileSync(`${state}/log.jsonl`, 'utf8')) as { error: string };
    for (const part of ['two', '    at ', 'caused by AggregateError', 'sums up RangeError: below'])
      expect(error).toContain(part);
  });

  it('is kept beside other temporary files where there is no project yet', () => {
    const [, log = ''] = /(\S+)$/.exec(unexpected(thrown, '/nowhere/.redex')) ?? [];
    expect(readFileSync(log, 'utf8')).toContain('caused by');
    rmSync(log);
  });
});
