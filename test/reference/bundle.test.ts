import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { type ClosableHost, INLINE_LIMITS, workerHost } from '../../core/host/host.ts';
import type { Program } from '../../core/values/program.ts';
import { scratchFolder } from '../support/project.ts';
import { check, referenceWorld } from './comparison.ts';
import { CALM, through } from './disturbances.ts';
import { programs } from './programs.ts';

const PROGRAMS = 150;

describe('random programs in a bundle', () => {
  let host: ClosableHost;
  let program: Program;

  beforeAll(async () => {
    const folder = await scratchFolder(afterAll);
    const objects = folderObjects(join(folder, 'store'));
    const here = import.meta.dirname;
    const made = await bundleProgram({ entries: [join(here, 'vocabulary.ts')], config: join(here, 'redex.config.ts') });
    await storeBundle(objects, made);
    program = made.program;
    host = workerHost({ objects, folder: join(folder, 'bundles'), limits: INLINE_LIMITS });
  });

  afterAll(() => host.close());

  it('have the value that the reference evaluator gives them, run by workers', async () => {
    await fc.assert(
      fc.asyncProperty(programs({ uncached: true }), async (given) => {
        await check(referenceWorld({ ...host, program: () => Promise.resolve(program) }), given, through(CALM));
      }),
      { numRuns: PROGRAMS },
    );
  });
});
