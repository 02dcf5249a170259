/** Compares alignments with the positions that wgsim wrote into the reads' names. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Ends of a fragment on the reference, 1-based, both included. */
export interface Fragment {
  readonly contig: string;
  readonly start: number;
  readonly end: number;
}

/** `<contig>_<start>_<end>_<errors>:<substitutions>:<indels>_<the same of the mate>_<hex count>`; a contig may hold `_`. */
const WGSIM_NAME = /^(.+)_(\d+)_(\d+)_\d+:\d+:\d+_\d+:\d+:\d+_[0-9a-f]+$/;

/** Where the fragment of a simulated read lies; undefined for a name that wgsim did not write. */
export function fragmentOf(readName: string): Fragment | undefined {
  const [, contig, start, end] = WGSIM_NAME.exec(readName) ?? [];
  return contig && start && end ? { contig, start: Number(start), end: Number(end) } : undefined;
}

/** How far, in bases of the reference, an alignment is from where it should be; Infinity when it is unmapped or elsewhere. */
export function distanceFromTruth(samLine: string): number {
  const [name = '', flags = '', contig, position = '', , cigar = ''] = samLine.split('\t');
  const flag = Number(flags);
  const truth = fragmentOf(name);
  if (!truth) throw new Error(`not a read that wgsim named: ${name}`);
  if (flag & UNMAPPED || contig !== truth.contig) return Number.POSITIVE_INFINITY;
  // The 5' end: trimming adapters takes bases only from the other one.
  return flag & REVERSE
    ? Math.abs(Number(position) + basesAfterStart(cigar) - 1 - truth.end)
    : Math.abs(Number(position) - basesClippedBefore(cigar) - truth.start);
}

const UNMAPPED = 0x4;
const REVERSE = 0x10;

/** Bases that the read would begin further left if its clipped bases had been aligned. */
function basesClippedBefore(cigar: string): number {
  return Number(/^(?:\d+H)?(\d+)S/.exec(cigar)?.[1] ?? 0);
}

/** Length on the reference from the leftmost aligned base to the read's right end, clipped bases counted as aligned. */
function basesAfterStart(cigar: string): number {
  const clipped = Number(/(\d+)S(?:\d+H)?$/.exec(cigar)?.[1] ?? 0);
  return [...cigar.matchAll(/(\d+)[MDN=X]/g)].reduce((sum, [, length]) => sum + Number(length), clipped);
}

export interface TruthReport {
  readonly reads: number;
  /** Reads whose 5' end lies at most `TOLERANCE_BASES` from the truth. */
  readonly right: number;
}

/** Half the length of a short indel and a few clipped bases more: further away is another place. */
export const TOLERANCE_BASES = 5;

/** Counts a BAM's primary alignments, unmapped reads too. Needs samtools; rejects when it fails. */
export async function checkAgainstTruth(bam: string): Promise<TruthReport> {
  const { stdout } = await promisify(execFile)('samtools', ['view', '-F', '0x900', bam], { maxBuffer: 1 << 30 });
  const distances = stdout.split('\n').filter(Boolean).map(distanceFromTruth);
  return { reads: distances.length, right: distances.filter((distance) => distance <= TOLERANCE_BASES).length };
}
