/** Bundles where a function unpacks them: on a disk of 512 MB that a Lambda environment keeps for hours. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { type ClosableHost, workerHost } from '../../core/host/host.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digestBytes } from '../../core/values/hash.ts';
import type { Hash } from '../../core/values/ids.ts';
import { project, scratchFolder } from '../support/project.ts';

const TASKS = `
import { readFileSync } from 'node:fs';
import { task } from 'redex';
task('u.beside', () => readFileSync(new URL('./data.txt', import.meta.url), 'utf8'));
task('u.later', async (ms: number) => { await new Promise((done) => setTimeout(done, ms)); return ms; });
task('u.kill', () => process.kill(process.pid, 'SIGTERM') && new Promise(() => {}));
`;

/** As the host has it. */
const HELD = 3;
const PASSING = 12;

const BUSY_MS = 6_000;

describe('the folder of unpacked bundles', () => {
  let folder: string;
  let place: string;
  let host: ClosableHost;
  let bundles: Hash[];

  beforeAll(async () => {
    folder = await scratchFolder(afterAll);
    place = join(folder, 'unpacked');
    const tasks = await project({ 'tasks.ts': TASKS, 'data.txt': 'beside' }, afterAll);
    const made = await bundleProgram({ entries: [join(tasks, 'tasks.ts')] });
    const objects = folderObjects(join(folder, 'store'));
    bundles = [];
    for (let at = 0; at < PASSING; at++) {
      const code = `${made.code}\n// ${at}\n`;
      const hash = digestBytes(Buffer.from(code));
      await storeBundle(objects, { ...made, code, hash });
      bundles.push(hash);
    }
    const confined = process.platform === 'linux';
    host = workerHost({ objects, folder: place, tidy: true, confined, log: () => undefined });
  });

  afterAll(() => host.close());

  const unknown = (): never => {
    throw new Error('no expression expected');
  };
  const run = async (bundle: Hash | undefined, task: string, ...args: unknown[]): Promise<unknown> => {
    if (bundle === undefined) throw new Error('there are fewer bundles');
    const result = await host.run(bundle, task, encode(args));
    return decode(result.ok ? result.table : result.error, { task: unknown, expression: unknown });
  };
  const own = () => join(place, String(process.pid));

  it('holds a few of those that come by, each with what lies beside its modules', async () => {
    const sizes: number[] = [];
    for (const bundle of bundles) {
      expect(await run(bundle, 'u.beside')).toBe('beside');
      expect(new Set(readdirSync(join(own(), bundle)))).toEqual(new Set([`${bundle}.mjs`, 'assets']));
      sizes.push(readdirSync(own()).length);
    }
    // One that is leaving may still be there when the next is unpacked.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(HELD + 1);
    expect(readdirSync(place)).toEqual([String(process.pid)]);
    // One that has left comes again.
    expect(await run(bundles[0], 'u.beside')).toBe('beside');
  });

  it('keeps a bundle that is at work, whose next worker starts from it', { timeout: 60_000 }, async () => {
    const [busy, ...others] = bundles;
    // Longer than five workers take to start on a machine that has other work.
    const later = run(busy, 'u.later', BUSY_MS);
    for (const other of others.slice(0, 5)) expect(await run(other, 'u.beside')).toBe('beside');
    expect(existsSync(join(own(), String(busy), `${busy}.mjs`))).toBe(true);
    expect(await run(busy, 'u.kill')).toMatchObject({ message: expect.stringContaining('by SIGTERM') });
    expect(await run(busy, 'u.beside')).toBe('beside');
    expect(await later).toBe(BUSY_MS);
  });

  it('is rid of what processes left that were killed, and of what was half made', async () => {
    const [bundle] = bundles;
    const gone = join(place, String(spawnSync('true').pid), String(bundle));
    const half = join(own(), 'f'.repeat(40));
    for (const left of [gone, half]) {
      mkdirSync(join(left, 'assets'), { recursive: true });
      writeFileSync(join(left, 'assets/x.123.part'), 'half');
    }
    const stranger = join(place, '1');
    mkdirSync(stranger);
    // In turn, until it has left.
    for (const other of bundles.slice(-HELD - 1)) await run(other, 'u.beside');
    mkdirSync(join(own(), String(bundle)), { recursive: true });
    writeFileSync(join(own(), String(bundle), `${bundle}.mjs`), 'damaged');
    writeFileSync(join(own(), String(bundle), `.${bundle}.part`), 'half');
    expect(await run(bundle, 'u.beside')).toBe('beside');
    expect([gone, half].map((left) => existsSync(left))).toEqual([false, false]);
    expect(existsSync(stranger)).toBe(true);
    expect(new Set(readdirSync(join(own(), String(bundle))))).toEqual(new Set([`${bundle}.mjs`, 'assets']));
    expect(digestBytes(readFileSync(join(own(), String(bundle), `${bundle}.mjs`)))).toBe(bundle);
  });
});
