/**
 * A run that an earlier release has taken half way, as it lies in `VERSION.json.gz`, ends under this one: its journal, its
 * snapshot, values, specs and claims are read, and its bundle is run in this release's workers.
 *
 * The way back is shown by shapes alone, since no earlier release's code is here: what this release writes for the second
 * half has no key, type, fact, attribute or variable that the release did not write itself, and so nothing that it would not
 * know. That it means the same is what the golden journals are for. Not shown here: the runner of an earlier image, which
 * test/runner and the cloud world have as it is now.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDynamo, type TestDynamo } from '../support/dynamo.ts';
import { scratchFolder } from '../support/project.ts';
import { finished, openWorld, type Recording, RUN, readRecording, restore, type UpgradeWorld } from './recording.ts';
import { everything, shapesOf } from './shapes.ts';

const FILES = globSync('*.json.gz', { cwd: import.meta.dirname }).sort();

describe.each(FILES)('a run half done, of %s', (file) => {
  let dynamo: TestDynamo;
  let world: UpgradeWorld;
  let recording: Recording;

  beforeEach(async () => {
    dynamo = await startDynamo();
    world = openWorld(dynamo, await scratchFolder());
    recording = readRecording(join(import.meta.dirname, file));
    await restore(dynamo, world, recording.half);
  });
  afterEach(async () => {
    await world.close();
    await dynamo.stop();
  });

  it('is half done: jobs have ended, are in flight and wait, and there are a snapshot and entries after it', async () => {
    const summary = await world.summaries.get(RUN);
    expect(summary).toMatchObject({ status: 'RUNNING', snapshot: 64, bundle: recording.half.bundle });
    expect(summary?.sequence).toBeGreaterThan(64);
    expect(summary?.open?.claimDeadline).toBeGreaterThan(0);
    const { 'upgrade.step': steps, 'upgrade.alone': seats } = summary?.tally ?? {};
    expect(steps).toMatchObject({ done: 66, running: 6 });
    expect(seats).toMatchObject({ running: 1, pending: 1 });
  });

  it('comes to the value and counts that it had there, and nothing runs again that was done', async () => {
    const { summary, ...ending } = await finished(world);
    expect(summary).toMatchObject({ status: 'DONE' });
    expect(ending).toEqual(recording.ending);
    // Those that were left and those that are new, and none of the 66.
    expect(ending.called['upgrade.step']).toBe(6 + 72);
    expect(ending.called['upgrade.square']).toBeUndefined();
  });

  it('comes to the same from its journal alone, when the snapshot is gone', async () => {
    const stored = world.objects.stored as Map<string, Uint8Array>;
    const snapshots = [...stored.keys()].filter((key) => key.startsWith('snapshots/'));
    expect(snapshots).toHaveLength(1);
    for (const key of snapshots) stored.delete(key);
    const { summary: _, ...ending } = await finished(world);
    expect(ending).toEqual(recording.ending);
  });

  it('is left, at its end and on the way to it, with nothing that the release would not know', async () => {
    const known = await everything(dynamo, world);
    const jobs = world.batch.jobs.length;
    const shapes = new Set<string>();
    await finished(world, async () => {
      for (const shape of await shapesOf(dynamo, world, known, jobs)) shapes.add(shape);
    });
    expect([...shapes].filter((shape) => !recording.shapes.includes(shape))).toEqual([]);
    expect(shapes).toContain('summary.body.open.oldestDeadline: number');
    expect(shapes).toContain('entry.body[]{joined}');
    expect(shapes).toContain('job: REDEX_SPEC');
    expect(shapes).toContain('snapshots.format: number');
  });
});

it('there is a recording of the first release', () => {
  expect(FILES).toContain('0.1.0.json.gz');
});
