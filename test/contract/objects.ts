/** What every object store does, wherever it keeps its bytes. */
import { describe, expect, it } from 'vitest';
import type { Objects } from '../../core/engine/ports.ts';

/** Each call of `open` gives a store; they may share their contents, keys differ from test to test. */
export function objectsContract(name: string, open: () => Promise<Objects>): void {
  describe(`${name} keeps objects`, () => {
    it('gives back the bytes that were put', async () => {
      const objects = await open();
      const bytes = new Uint8Array([0, 255, 10, 13, 0]);
      await objects.put('values/exact', bytes);
      expect(new Uint8Array((await objects.get('values/exact')) ?? [])).toEqual(bytes);
    });

    it('gives a part of the bytes, as far as there are any', async () => {
      const objects = await open();
      await objects.put('values/parts', new Uint8Array([0, 1, 2, 3, 4]));
      expect([...((await objects.get('values/parts', { start: 1, end: 3 })) ?? [])]).toEqual([1, 2]);
      expect([...((await objects.get('values/parts', { start: 3, end: 9 })) ?? [])]).toEqual([3, 4]);
      expect(await objects.get('values/no-parts', { start: 0, end: 1 })).toBeUndefined();
    });

    it('keeps an empty object apart from one that is not there', async () => {
      const objects = await open();
      await objects.put('values/empty', new Uint8Array());
      expect((await objects.get('values/empty'))?.byteLength).toBe(0);
      expect(await objects.get('values/nothing')).toBeUndefined();
      expect(await objects.get('no-such-folder/deep/nothing')).toBeUndefined();
    });

    it('replaces an object by a second put', async () => {
      const objects = await open();
      await objects.put('snapshots/run/1', new Uint8Array([1]));
      await objects.put('snapshots/run/1', new Uint8Array([2, 2]));
      expect([...((await objects.get('snapshots/run/1')) ?? [])]).toEqual([2, 2]);
    });

    it('never shows a part of an object while it is being replaced', async () => {
      const objects = await open();
      const versions = [new Uint8Array(300_000).fill(1), new Uint8Array(200_000).fill(2)];
      await objects.put('values/raced', versions[0] as Uint8Array);
      let writing = true;
      const writes = Promise.all(
        Array.from({ length: 10 }, (_, at) => objects.put('values/raced', versions[at % 2] as Uint8Array)),
      );
      const reads = (async () => {
        while (writing) {
          const seen = await objects.get('values/raced');
          expect(seen && new Set(seen).size).toBe(1);
          expect(seen?.byteLength).toBe(seen?.[0] === 1 ? 300_000 : 200_000);
        }
      })();
      await writes;
      writing = false;
      await reads;
    });

    it.each([
      '',
      'name',
      '/values/x',
      'values//x',
      'values/',
      '../x',
      'values/../x',
      'values/..',
      './x',
      'values/a b',
      'values/a\nb',
    ])('refuses the key %j', async (key) => {
      const objects = await open();
      await expect(objects.put(key, new Uint8Array([1]))).rejects.toThrow(/key/);
      await expect(objects.get(key)).rejects.toThrow(/key/);
    });
  });
}
