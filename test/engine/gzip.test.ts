import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unzipped, zipped } from '../../core/engine/gzip.ts';

const SIZES = [0, 1, 2, 511, 512, 513, 100_000, 1024 * 1024, 1024 * 1024 + 1];

function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * at) % 251));
}

describe('gzip', () => {
  it.each(SIZES)('of %i bytes is read by any gunzip, and by our own', (size) => {
    const bytes = bytesOf(size);
    expect(gunzipSync(zipped(bytes)).equals(bytes)).toBe(true);
    expect(unzipped(zipped(bytes), size + 1).equals(bytes)).toBe(true);
  });

  it('of a little costs no more than 23 bytes beside it', () => {
    expect(zipped(bytesOf(512))).toHaveLength(512 + 23);
  });

  it.each([100, 10_000])('of %i bytes is refused where a byte of it has changed', (size) => {
    const whole = zipped(bytesOf(size));
    for (const at of [0, 12, Math.floor(whole.length / 2), whole.length - 5]) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8((damaged[at] ?? 0) ^ 0x10, at);
      expect(() => unzipped(damaged, size)).toThrow();
    }
  });

  it('of more than was allowed for is refused', () => {
    expect(() => unzipped(zipped(bytesOf(600)), 599)).toThrow(/larger than 599/);
    expect(() => unzipped(zipped(bytesOf(100)), 99)).toThrow(/larger than 99/);
  });
});
