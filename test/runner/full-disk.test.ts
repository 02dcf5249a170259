import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { File } from '../../core/values/classes.ts';
import { type Ended, openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

describe('a job whose log cannot be written', () => {
  /** Every write to this device fails as on a full disk. */
  async function runOntoFull(text: string, outputs: unknown): Promise<Ended> {
    const full = openSync('/dev/full', 'w');
    const running = await testbed.start(await testbed.scriptSpec({ text, outputs }), { output: full });
    closeSync(full);
    return await running.ended;
  }

  it('goes on to its end, and its outputs are whole', async () => {
    const ended = await runOntoFull('seq 100000 | tee r; seq 100000 >&2', new File('-'));
    expect(ended).toMatchObject({ exitCode: 0, outcome: { ok: true } });
    expect((ended.value as string).length).toBe(588_895);
  });

  it('fails by what its script said, when that fails', async () => {
    const ended = await runOntoFull('echo the reason >&2; exit 3', new File('-'));
    expect(ended.error?.message).toContain('the reason');
  });

  it('fails by what is missing', async () => {
    const ended = await runOntoFull('true', new File('x').stage('never'));
    expect(ended.error?.message).toContain('never');
  });
});

/** Runs its words with a disk of 64 MB on which the store and the work are, and brings the store back. */
const ON_SMALL_DISK = `
  mount -t tmpfs -o size=64m none "$REDEX_WORK" && cp -a "$REDEX_STORE" "$REDEX_WORK/store" || exit 99
  REDEX_STORE="$REDEX_WORK/store" "$@"
  code=$?
  cp -a "$REDEX_WORK/store/." "$REDEX_STORE" && ls "$REDEX_WORK" && exit $code`;
const NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount'];
const mayMount = spawnSync(NAMESPACE[0] as string, [...NAMESPACE.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']);

describe.skipIf(mayMount.status !== 0)('a job that fills the disk', () => {
  async function runOnSmallDisk(text: string): Promise<Ended> {
    const wrapper = [...NAMESPACE, 'sh', '-c', ON_SMALL_DISK, 'sh'];
    const running = await testbed.start(await testbed.scriptSpec({ text, outputs: new File('-') }), { wrapper });
    return await running.ended;
  }

  it('fails all the same, by what its script said, and makes room', async () => {
    const ended = await runOnSmallDisk('echo begun >&2; cat /dev/zero > big');
    expect(ended.exitCode).toBe(1);
    expect(ended.error?.message).toMatch(/No space left on device/);
    expect(ended.log).toContain('the disk is full: the working directory is not kept');
    expect(ended.log).toMatch(/\nstore\n$/);
  });

  it('in many small files ends as well', async () => {
    const text = 'for n in $(seq 100); do head -c 1000000 /dev/urandom > $n; done';
    const ended = await runOnSmallDisk(text);
    expect(ended).toMatchObject({ exitCode: 1, error: { message: expect.stringMatching(/No space left/) as string } });
  });

  it('and does well in spite of it, is DONE', async () => {
    const ended = await runOnSmallDisk('cat /dev/zero > big || true; echo said');
    expect(ended).toMatchObject({ exitCode: 0, value: 'said\n' });
  });

  it('and has failed with room left keeps its directory', async () => {
    const ended = await runOnSmallDisk('echo x > small; exit 3');
    expect(ended.exitCode).toBe(1);
    expect(ended.log).toContain('the working directory is kept');
  });
});
