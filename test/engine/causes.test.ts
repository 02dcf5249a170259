import { describe, expect, it } from 'vitest';
import { verdictError } from '../../core/engine/causes.ts';
import { errorLine } from '../../core/graph/errors.ts';

describe('a job that ended without a result', () => {
  const told = (exitCode: number) =>
    errorLine(verdictError('demo.task', 'program', { id: 'job-1', name: 'n', status: 'FAILED', exitCode }));

  it('is told with what its exit code means', () => {
    expect(told(127)).toContain('exit code 127 (a command was not found');
    expect(told(137)).toContain('exit code 137 (SIGKILL: killed from outside');
    expect(told(139)).toContain('exit code 139 (SIGSEGV: a program crashed');
  });

  it('is told without a guess where the code says nothing', () => {
    expect(told(1)).toBe(
      'JobFailed: demo.task: job job-1 ended FAILED without a result (no reason given, exit code 1)',
    );
  });
});
