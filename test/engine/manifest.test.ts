import { expect, it } from 'vitest';
import { putSpecs, readSpec } from '../../core/engine/manifest.ts';
import { keys } from '../../core/engine/objects.ts';
import type { Objects } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { encode } from '../../core/values/encode.ts';
import { memoryObjects } from '../support/memory/storage.ts';

it('a child of an array of 10,000 reads only its own part of the manifest', async () => {
  const objects = memoryObjects();
  const specs = Array.from(
    { length: 10_000 },
    (_, at) => ({ v: 1, attempt: at, args: encode([at]) }) as unknown as JobSpec,
  );
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
  expect(bytes).toBeLessThan(500);
  await expect(readSpec(objects, keys.spec('0'.repeat(40) as never), 0)).rejects.toThrow('no job spec');
});
