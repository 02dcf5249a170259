import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRunner } from '../../docker/runner/build.ts';

const DOCKER = join(import.meta.dirname, '../../docker');

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'redex-build-'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('the runner as a program', () => {
  it('is built once, and kept while none of its sources has changed', async () => {
    const { main } = await buildRunner(folder);
    const { mtimeMs } = await stat(main);
    expect(await buildRunner(folder)).toEqual({ main });
    expect((await stat(main)).mtimeMs).toBe(mtimeMs);
  });

  it('is built anew when a part of it is missing', async () => {
    await rm(join(folder, 'worker.mjs'));
    await buildRunner(folder);
    expect(await readdir(folder)).toContain('worker.mjs');
  });

  it('puts all of itself into a folder, for an image that is used as it is', async () => {
    const { main } = await buildRunner(folder);
    const placed = join(folder, '..', `${basename(folder)}-placed`);
    execFileSync(process.execPath, [main, '--place', placed]);
    expect(await readdir(placed)).toEqual(await readdir(folder));
    await rm(placed, { recursive: true });
  });

  it('loads no SDK for a store that is a folder', async () => {
    const { main } = await buildRunner(folder);
    const loaded = new Set<string>();
    const follow = (name: string): void => {
      if (loaded.has(name)) return;
      loaded.add(name);
      const text = readFileSync(join(folder, name), 'utf8');
      for (const [, next] of text.matchAll(/^(?:import|export)[^;(]*? ?from "\.\/(.*?)";$/gm)) follow(next as string);
    };
    follow(main.slice(folder.length + 1));
    expect(loaded.size).toBeGreaterThan(3);
    const text = [...loaded].map((name) => readFileSync(join(folder, name), 'utf8')).join('');
    expect(text).toContain('runnerSettings');
    expect(text).not.toContain('@smithy');
    expect(text).not.toContain('@aws-sdk/client');
  });
});

describe('the image', () => {
  const make = (...words: string[]): string =>
    execFileSync('make', ['-n', '-C', DOCKER, ...words], { encoding: 'utf8', env: { PATH: process.env.PATH } });

  it('is made, tagged and pushed to the account and region that are given', () => {
    const said = make('setup', 'login', 'build', 'push', 'AWS_ACCOUNT=123456789012', 'AWS_REGION=eu-central-1');
    const registry = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
    expect(said).toContain('for name in redex_runner redex_bioinfo_batch; do');
    expect(said).toContain('aws ecr create-repository --region eu-central-1 --repository-name $name');
    expect(said).toContain(`docker login --username AWS --password-stdin ${registry}`);
    expect(said).toContain(
      'docker build --platform linux/amd64 --build-arg RUNNER=redex_runner:0.1.0 --tag redex_bioinfo_batch:latest .',
    );
    expect(said).toContain(`docker push ${registry}/redex_bioinfo_batch:latest`);
  });

  it('needs no account to be built', () => {
    expect(make('build')).not.toContain('sts');
  });

  it('pins every tool, and is the base image with tools', () => {
    const text = readFileSync(join(DOCKER, 'Dockerfile'), 'utf8');
    for (const tool of ['bwa-mem2', 'cutadapt', 'gatk4', 'openjdk', 'picard', 'r-base', 'samtools']) {
      expect(text).toMatch(new RegExp(`^ +${tool}=[0-9.]+ \\\\$`, 'm'));
    }
    expect(text).not.toMatch(/:latest/);
    expect(text).toMatch(/^FROM \$\{RUNNER\}$/m);
    expect(text).not.toMatch(/^(ENTRYPOINT|USER|CMD)/m);
  });
});
