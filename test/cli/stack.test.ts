/** Why a stack cannot be had, by somebody who has no account. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findStack, stackName } from '../../cli/stack.ts';
import { UsageError } from '../../cli/usage-error.ts';
import { type FaultProxy, faultProxy } from '../support/fault-proxy.ts';

it('a stack is named by the option, else by REDEX_STACK, else it is that of a deployment without a word', () => {
  expect(stackName('lab-1', { REDEX_STACK: 'other' })).toBe('lab-1');
  expect(stackName(undefined, { REDEX_STACK: 'other' })).toBe('other');
  expect(stackName(undefined, { REDEX_STACK: '' })).toBe('redex-dev');
  for (const name of ['', '1st', 'a b', 'arn:aws:x', '-x', 'a'.repeat(41)]) {
    expect(() => stackName(name, {})).toThrow(UsageError);
  }
});

describe('a stack that cannot be had', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await faultProxy();
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_ACCESS_KEY_ID'])
      vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await proxy.close();
  });
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };

  it('for want of a region, or of credentials, is said so, with what to do', async () => {
    await expect(findStack('redex-dev', { endpoint: proxy.url })).rejects.toMatchObject({
      trouble: 'no region',
      message: expect.stringContaining('AWS_REGION'),
    });
    vi.stubEnv('AWS_REGION', '');
    await expect(findStack('redex-dev', { endpoint: proxy.url })).rejects.toMatchObject({ trouble: 'no region' });
    await expect(findStack('redex-dev', { endpoint: proxy.url, region: 'us-east-1' })).rejects.toMatchObject({
      trouble: 'no credentials',
      message: expect.stringMatching(/^there are no AWS credentials: log in/),
    });
    expect(proxy.seen).toEqual([]);
  });

  it('since AWS does not answer is said so, with the name and the region', async () => {
    proxy.meet([], 'reset');
    await expect(
      findStack('redex-dev', { endpoint: proxy.url, region: 'us-east-1', credentials }),
    ).rejects.toMatchObject({
      trouble: 'unreachable',
      message: expect.stringMatching(/^AWS did not tell of the stack redex-dev in us-east-1: \S/),
    });
  });
});
