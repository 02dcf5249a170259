import { expect, it } from 'vitest';
import { readSpec } from '../../core/engine/manifest.ts';
import { round } from '../../core/engine/round.ts';
import { type File, file, task } from '../../core/index.ts';
import type { WebSettings } from '../../core/values/program.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playWorld, start } from '../support/play.ts';

const heavy = task('w.heavy', { version: '1', executor: 'batch' }, (input: File) => input.location);

it('what a program says of the web goes with every look at its files and to every job of it', async () => {
  const web: WebSettings = { privateRedirects: ['mirror.example'] };
  const plain = playWorld();
  const told: (WebSettings | undefined)[] = [];
  const world: MemoryWorld = {
    ...plain,
    host: { ...plain.host, program: async (bundle) => ({ ...(await plain.host.program(bundle)), web }) },
    files: {
      ...plain.files,
      observe: (leaves, given) => {
        told.push(given);
        return plain.files.observe(leaves);
      },
    },
  };
  world.files.versions.set('https://data.example/x', '1');
  await round(world, await start(world, heavy(file('https://data.example/x'))));
  expect(told).toEqual([web]);
  const [job] = world.batch.jobs;
  expect(await readSpec(world.objects, job?.request.spec ?? '', 0)).toMatchObject({ task: 'w.heavy', web });
});
