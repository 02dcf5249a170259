/**
 * Records a run that this release has taken half way, and how it ends: `node test/upgrade/record.ts`. Gives
 * `test/upgrade/VERSION.json.gz`. One that exists is never written again: it is what that release has left in accounts.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../../core/engine/launch.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import { round } from '../../core/engine/round.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import type { Hash } from '../../core/values/ids.ts';
import { startDynamo, type TestDynamo } from '../support/dynamo.ts';
import { withBatch } from '../support/memory-world.ts';
import { playJobs } from '../support/play.ts';
import {
  finished,
  type Half,
  itemsOf,
  openWorld,
  type Recording,
  RUN,
  SHEET,
  type UpgradeWorld,
  written,
} from './recording.ts';
import { shapesOf } from './shapes.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Told of one by one, so that there is a snapshot, and entries after it. */
const STEPS_TOLD = 66;

/** Half way: much is done, much is in flight, one job waits for a limit, one submission for an answer that was lost. */
async function halfWay(world: UpgradeWorld): Promise<Hash> {
  const bundle = await bundleProgram({
    entries: [join(import.meta.dirname, 'workflow.ts')],
    config: join(ROOT, 'redex.config.ts'),
    profile: 'debian',
  });
  await storeBundle(world.objects, bundle);
  world.files.versions.set(SHEET.location, SHEET.version);
  const args = { sheet: SHEET.location };
  const request = { workflow: 'upgrade.main', args, bundle: bundle.hash, run: RUN, tags: { of: 'lab' } };
  const launched = await launch(losingAnswers(world), request);
  if (!launched.ok) throw new Error(JSON.stringify(launched));
  const [lost] = await jobsOf(world, 'upgrade.words');
  const reason = 'Host EC2 (instance i-1) terminated.';
  await round(world, RUN, [world.batch.report(lost as string, { status: 'FAILED', statusReason: reason })]);
  const steps = (await jobsOf(world, 'upgrade.step')).slice(0, STEPS_TOLD);
  const [word, failure] = [(await jobsOf(world, 'upgrade.words'))[1], (await jobsOf(world, 'upgrade.fragile'))[0]];
  for (const id of [...steps, word, failure]) {
    await round(world, RUN, await playJobs(world, (each) => each === id));
    world.clock.advance(1_000);
  }
  return bundle.hash;
}

/** Batch takes the job that reads the sheet, and its answer does not arrive. */
function losingAnswers(world: UpgradeWorld): UpgradeWorld {
  const { batch } = world;
  const submit: typeof batch.submit = async (request) => {
    const outcome = await batch.submit(request);
    const { task } = await readSpec(world.objects, request.spec, 0);
    return task === 'upgrade.read' ? { kind: 'unknown', reason: 'no answer' } : outcome;
  };
  return withBatch(world, { submit });
}

/** Ids at Batch, in the order of submission. */
async function jobsOf({ batch, objects }: UpgradeWorld, task: string): Promise<string[]> {
  const ids: string[] = [];
  for (const { request, described } of batch.jobs) {
    for (const [id, { index }] of described) {
      if (request.size > 1 && index === undefined) continue;
      if ((await readSpec(objects, request.spec, index ?? 0)).task === task) ids.push(id);
    }
  }
  return ids;
}

async function recorded(dynamo: TestDynamo, world: UpgradeWorld, release: string): Promise<Recording> {
  const bundle = await halfWay(world);
  const objects = [...world.objects.stored].map(
    ([key, bytes]) => [key, Buffer.from(bytes).toString('base64')] as const,
  );
  const half: Half = {
    release,
    bundle,
    at: world.clock.now(),
    tables: {
      runs: await itemsOf(dynamo, 'runs'),
      cache: await itemsOf(dynamo, 'cache'),
      attempts: await itemsOf(dynamo, 'attempts'),
    },
    objects: Object.fromEntries(objects),
    jobs: world.batch.jobs.map(({ request, described }) => ({ request, verdicts: [...described.values()] })),
  };
  for (const task of Object.keys(world.called)) delete world.called[task];
  const shapes = new Set<string>();
  // What is written over counts, too.
  const look = async () => {
    for (const shape of await shapesOf(dynamo, world)) shapes.add(shape);
  };
  await look();
  const { summary, ...ending } = await finished(world, look);
  if (summary.status !== 'DONE') throw new Error(`the run is ${summary.status}: ${summary.traceback}`);
  return { half, ending, shapes: [...shapes].sort() };
}

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
const path = join(import.meta.dirname, `${version}.json.gz`);
if (existsSync(path)) console.log(`${path}: recorded before`);
else {
  const folder = mkdtempSync(join(tmpdir(), 'redex-upgrade-'));
  const dynamo = await startDynamo();
  const world = openWorld(dynamo, folder);
  try {
    const recording = await recorded(dynamo, world, version);
    writeFileSync(path, written(recording), { flag: 'wx' });
    console.log(`${path}: ${recording.half.tables.runs.length} items of the run, ${recording.shapes.length} shapes`);
  } finally {
    await world.close();
    await dynamo.stop();
    rmSync(folder, { recursive: true });
  }
}
