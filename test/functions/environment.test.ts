import { describe, expect, it } from 'vitest';
import { engineSettings, machineVariables, parseStore, runnerSettings } from '../../core/environment.ts';

const engine = {
  REDEX_STACK: 'prod-1',
  REDEX_TABLE_RUNS: 'r',
  REDEX_TABLE_CACHE: 'c',
  REDEX_TABLE_ATTEMPTS: 'a',
  REDEX_STORE: 's3://bucket/some/prefix',
  REDEX_EVENTS: 'https://sqs.example/1/events',
};

const runner = { REDEX_SPEC: 'specs/a', REDEX_STORE: '/store', AWS_BATCH_JOB_ID: 'job' };

describe('settings of the handlers', () => {
  it('are read from the environment, with defaults', () => {
    expect(engineSettings({ ...engine, HTTPS_PROXY: 'proxy:3128', no_proxy: 'a', NO_PROXY: 'b' })).toEqual({
      proxies: { https: 'http://proxy:3128', none: 'a' },
      events: 'https://sqs.example/1/events',
      stack: 'prod-1',
      tables: { runs: 'r', cache: 'c', attempts: 'a' },
      store: { kind: 's3', bucket: 'bucket', prefix: 'some/prefix/' },
      storeText: 's3://bucket/some/prefix',
      bundle: undefined,
      filesRoot: undefined,
      dataBuckets: [],
      local: false,
      sender: undefined,
      bus: 'default',
      queue: undefined,
      liveNodesMax: 1_000_000,
      sweepPeriodMs: undefined,
    });
  });

  it('take an empty variable for an absent one', () => {
    expect(engineSettings({ ...engine, REDEX_BUS: '', REDEX_SENDER: '' })).toMatchObject({
      bus: 'default',
      local: false,
      sender: undefined,
    });
  });

  it('that are missing or wrong are all named at once', () => {
    const read = () =>
      engineSettings({ ...engine, REDEX_STACK: 'a_b', REDEX_STORE: 'relative', REDEX_TABLE_RUNS: undefined });
    expect(read).toThrow(/REDEX_STACK: .*REDEX_TABLE_RUNS.*REDEX_STORE: is neither/s);
    const nowhere = { ...engine, REDEX_STORE: undefined };
    expect(() => engineSettings(nowhere)).toThrow('REDEX_STORE or REDEX_BUCKET is needed');
    expect(engineSettings({ ...nowhere, REDEX_BUCKET: 'lab' }).storeText).toBe('s3://lab');
  });
});

describe('settings of the runner', () => {
  it('are read from what Batch and the submission set', () => {
    expect(runnerSettings(runner)).toMatchObject({
      spec: 'specs/a',
      store: { kind: 'folder', path: '/store' },
      jobId: 'job',
      jobAttempt: 1,
      arrayIndex: undefined,
    });
    const child = { ...runner, AWS_BATCH_JOB_ATTEMPT: '2', AWS_BATCH_JOB_ARRAY_INDEX: '0' };
    expect(runnerSettings(child)).toMatchObject({ jobAttempt: 2, arrayIndex: 0 });
  });

  it('are read from what other executors set by names of redex', () => {
    const { AWS_BATCH_JOB_ID: _, ...rest } = runner;
    const told = { ...rest, REDEX_JOB_ID: 'job/3', REDEX_JOB_ATTEMPT: '2', REDEX_JOB_INDEX: '3' };
    expect(runnerSettings(told)).toMatchObject({ jobId: 'job/3', jobAttempt: 2, arrayIndex: 3 });
  });

  it.each([{ AWS_BATCH_JOB_ATTEMPT: '0' }, { AWS_BATCH_JOB_ARRAY_INDEX: '-1' }, { AWS_BATCH_JOB_ARRAY_INDEX: '1.5' }])(
    'refuse %j',
    (wrong) => {
      expect(() => runnerSettings({ ...runner, ...wrong })).toThrow(Object.keys(wrong)[0]);
    },
  );
});

describe('a store', () => {
  it.each([
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/a', { kind: 's3', bucket: 'bucket', prefix: 'a/' }],
    ['s3://bucket/a/b/', { kind: 's3', bucket: 'bucket', prefix: 'a/b/' }],
    ['/folder/of/mine', { kind: 'folder', path: '/folder/of/mine' }],
  ])('%s', (text, store) => {
    expect(parseStore(text)).toEqual(store);
  });
});

describe('of the environment of a job its script sees', () => {
  const seen = {
    PATH: '/bin',
    https_proxy: 'http://p:1',
    HTTP_PROXY: 'http://p:1',
    no_proxy: 'x',
    ALL_PROXY: 'socks5://p:2',
    SSL_CERT_FILE: '/c',
    SSL_CERT_DIR: '/d',
    REQUESTS_CA_BUNDLE: '/c',
    CURL_CA_BUNDLE: '/c',
    AWS_CA_BUNDLE: '/c',
    NODE_EXTRA_CA_CERTS: '/c',
    AWS_REGION: 'eu-west-1',
    AWS_PROFILE: 'lab',
    AWS_CONFIG_FILE: '/home/me/.aws/config',
    AWS_SHARED_CREDENTIALS_FILE: '/home/me/.aws/credentials',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
    REDEX_VCPUS: '2',
    REDEX_MEMORY_MB: '4096',
  };
  const unseen = { SECRET: 'x', REDEX_SPEC: 's', AWS_SECRET_ACCESS_KEY: 'x', MY_PROXY_TOKEN: 'x', LD_PRELOAD: '/x' };

  it('the way to tools, network and account, and what it was granted; nothing else', () => {
    expect(machineVariables({ ...seen, ...unseen, TZ: undefined })).toEqual(seen);
    // The profile of a user is found although the script has another HOME.
    expect(machineVariables({ HOME: '/home/me', AWS_PROFILE: 'lab' })).toEqual({
      AWS_PROFILE: 'lab',
      AWS_CONFIG_FILE: '/home/me/.aws/config',
      AWS_SHARED_CREDENTIALS_FILE: '/home/me/.aws/credentials',
    });
  });
});
