/** What images are made of: versions that stand still, for a user that is not root. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerfiles } from './dockerfiles.ts';
import { ROOT } from './template.ts';

const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Continued lines as one, without comments. */
function instructionsOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8').replace(/^\s*#.*\n/gm, '');
  return text.replace(/\\\n/g, ' ').split('\n').filter(Boolean);
}

/** With the defaults of its arguments in it, each `FROM` and what it is called. */
function stagesOf(path: string): { readonly image: string; readonly stage: string | undefined }[] {
  const lines = instructionsOf(path);
  const given = lines.flatMap((line) => {
    const [, argument = '', value = ''] = /^ARG (\w+)=(\S+)$/.exec(line) ?? [];
    return argument === '' ? [] : [[argument, value] as const];
  });
  const defaults = new Map(given);
  return lines.flatMap((line) => {
    const [, written, stage] = /^FROM (\S+)(?: AS (\S+))?$/.exec(line) ?? [];
    if (written === undefined) return [];
    return [{ image: written.replace(/\$\{(\w+)\}/g, (_, argument: string) => defaults.get(argument) ?? ''), stage }];
  });
}

/** A digest, a whole version, or the day of a release. */
const STANDS_STILL = /@sha256:[0-9a-f]{64}$|:[^:]*(\d+\.\d+\.\d+|\d{8})[^:]*$/;

describe.each(dockerfiles())('%s', (path) => {
  const lines = instructionsOf(path);

  it('begins with images that stand still', () => {
    const stages = stagesOf(path);
    expect(stages.length).toBeGreaterThan(1);
    for (const { image } of stages) expect([image, STANDS_STILL.test(image)]).toEqual([image, true]);
  });

  it('installs versions that it names', () => {
    const installed = lines
      .flatMap((line) => /\binstall\s+(.*?)(&&|$)/.exec(line)?.[1]?.split(/\s+/) ?? [])
      .filter((word) => /^[a-z0-9][a-z0-9.+-]*(=|$)/.test(word) && !/^(base|strict|conda-forge|bioconda)$/.test(word));
    expect(installed.length).toBeGreaterThan(1);
    expect(installed.filter((word) => !/^[a-z0-9.+-]+=\d/.test(word))).toEqual([]);
  });

  it('is run by a user that is not root', () => {
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')));
    const users = last.flatMap((line) => /^USER (\S+)$/.exec(line)?.[1] ?? []);
    // What is built on the base image has its user.
    const inherited = stagesOf(path).at(-1)?.image.startsWith('redex_runner:') ? ['1000'] : [];
    expect([...inherited, ...users].at(-1)).toMatch(/^[1-9]\d*$/);
  });
});

it('there are two of them', () => {
  expect(dockerfiles()).toEqual(['docker/Dockerfile', 'docker/runner.Dockerfile']);
});

it('the base image is that of this release, with the Node that the tests run on', () => {
  expect(stagesOf('docker/Dockerfile').at(-1)).toEqual({ image: `redex_runner:${version}`, stage: undefined });
  expect(readFileSync(join(ROOT, 'docker/Makefile'), 'utf8')).toContain(`BASE_TAG ?= ${version}\n`);
  expect(stagesOf('docker/runner.Dockerfile')[0]?.image).toBe(`node:${devDependencies.node}-bookworm-slim`);
});
