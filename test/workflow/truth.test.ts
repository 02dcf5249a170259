import { describe, expect, test } from 'vitest';
import { distanceFromTruth, fragmentOf } from '../../workflows/bioinfo-batch/truth.ts';

const CONTIG = 'gi|9626243|ref|NC_001416.1|';

/** A line of a SAM file whose fragment covers 1000 to 1299. */
function alignment(flag: number, position: number, cigar: string, contig = CONTIG): string {
  return [`${CONTIG}_1000_1299_1:0:0_0:1:0_1f`, flag, contig, position, 60, cigar, '=', 1, 300, 'A', '5'].join('\t');
}

describe('The name of a simulated read', () => {
  test('holds the ends of its fragment', () => {
    expect(fragmentOf(`${CONTIG}_37241_37514_3:1:0_2:0:1_fa0`)).toEqual({ contig: CONTIG, start: 37241, end: 37514 });
  });

  test('may have underscores in its contig', () => {
    expect(fragmentOf('chr1_KI270706v1_random_5_204_0:0:0_0:0:0_0')).toEqual({
      contig: 'chr1_KI270706v1_random',
      start: 5,
      end: 204,
    });
  });

  test('is not any name', () => {
    expect(fragmentOf('ERR5069949.2151832')).toBeUndefined();
    expect(() => distanceFromTruth('ERR5069949.2151832\t0\tx\t1\t60\t10M')).toThrow('not a read that wgsim named');
  });
});

describe('The distance of an alignment from the truth', () => {
  test.each([
    ['a forward read in its place', alignment(99, 1000, '100M'), 0],
    ['a forward read too far right', alignment(99, 1007, '100M'), 7],
    ['a forward read whose first bases are clipped', alignment(99, 1004, '4S96M'), 0],
    ['a forward read hard and soft clipped', alignment(99, 1004, '2H4S94M'), 0],
    ['a forward read whose adapter was cut', alignment(99, 1000, '80M'), 0],
    ['a reverse read in its place', alignment(147, 1200, '100M'), 0],
    ['a reverse read whose adapter was cut', alignment(147, 1220, '80M'), 0],
    ['a reverse read with a deletion', alignment(147, 1198, '50M2D50M'), 0],
    ['a reverse read with an insertion', alignment(147, 1203, '50M3I47M'), 0],
    ['a reverse read whose last bases are clipped', alignment(147, 1200, '95M5S'), 0],
    ['a reverse read whose first bases are clipped', alignment(147, 1205, '5S95M'), 0],
    ['a reverse read too far left', alignment(147, 1190, '100M'), 10],
    ['an unmapped read', alignment(4, 1000, '*'), Number.POSITIVE_INFINITY],
    ['a read on another contig', alignment(99, 1000, '100M', 'chrM'), Number.POSITIVE_INFINITY],
  ])("is measured at the 5' end of %s", (_, line, distance) => {
    expect(distanceFromTruth(line)).toBe(distance);
  });
});
