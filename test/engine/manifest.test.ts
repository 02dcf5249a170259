import { describe, expect, it } from 'vitest';
import { putSpecs, readSpec } from '../../core/engine/manifest.ts';
import { keys } from '../../core/engine/objects.ts';
import type { Objects } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { encode } from '../../core/values/encode.ts';
import { memoryObjects } from '../support/memory/storage.ts';

const specsOf = (count: number, run = 'run1') =>
  Array.from({ length: count }, (_, at) => ({ v: 1, run, attempt: at, args: encode([at]) }) as unknown as JobSpec);

it('a child of an array of 10,000 reads only its own part of the manifest', async () => {
  const objects = memoryObjects();
  const specs = specsOf(10_000);
  const key = keys.spec(await putSpecs(objects, specs));
  let bytes = 0;
  const counting: Objects = {
    ...objects,
    get: async (name, range) => {
      const part = await objects.get(name, range);
      bytes += part?.length ?? 0;
      return part;
    },
  };
  expect(await readSpec(counting, key, 7_654)).toEqual(specs[7_654]);
  expect(await readSpec(counting, key, 0)).toEqual(specs[0]);
  expect(bytes).toBeLessThan(1_000);
  await expect(readSpec(objects, keys.spec('0'.repeat(40) as never), 0)).rejects.toThrow('no job spec');
});

it.each([1, 2, 3, 5, 8, 11])('each of %i specs of a manifest is read as it was written', async (count) => {
  const objects = memoryObjects();
  const specs = specsOf(count);
  const key = keys.spec(await putSpecs(objects, specs));
  expect(await Promise.all(specs.map((_, index) => readSpec(objects, key, index)))).toEqual(specs);
  await expect(readSpec(objects, key, count)).rejects.toThrow(`something else under the job spec ${key} (${count})`);
});

describe('a job spec that is not what was written is refused by name', () => {
  const damages: Readonly<Record<string, (bytes: Buffer, other: Buffer) => Buffer>> = {
    emptied: () => Buffer.alloc(0),
    cut: (bytes) => bytes.subarray(0, bytes.length - 8),
    'of another submission': (_, other) => other,
    'with one bit changed': (bytes) => {
      const changed = Buffer.from(bytes);
      changed[changed.length - 20] = (changed.at(-20) ?? 0) ^ 1;
      return changed;
    },
    'given another place': (bytes) => {
      const changed = Buffer.from(bytes);
      // The last one where the first one is looked for.
      bytes.copy(changed, 0, 8, 16);
      return changed;
    },
  };

  it.each(Object.keys(damages))('%s', async (damage) => {
    const objects = memoryObjects();
    const key = keys.spec(await putSpecs(objects, specsOf(3)));
    const other = keys.spec(await putSpecs(objects, specsOf(3, 'run2')));
    const [bytes, otherBytes] = [key, other].map((each) => Buffer.from(objects.stored.get(each) ?? []));
    await objects.put(key, damages[damage]?.(bytes as Buffer, otherBytes as Buffer) as Buffer);
    const read = [0, 1, 2].map((index) => readSpec(objects, key, index));
    const refused = (await Promise.allSettled(read)).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(String(reason)).toMatch(/something else under the job spec specs\//);
    }
  });
});
