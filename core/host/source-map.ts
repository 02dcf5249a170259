/** Just enough of source maps (revision 3) to keep one right while text is inserted, and to read renamed names from it. */
import { at } from '../values/present.ts';

/** Generated column (0-based), then source, original line, original column and, for a renamed identifier, its name. */
type MappingSegment = readonly [column: number, ...fields: number[]];

/** Segments by generated line, 0-based; every number absolute. */
export type Mappings = readonly (readonly MappingSegment[])[];

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** Spelled with differences: the column starts afresh on every line, the other fields never do. */
export function parseMappings(text: string): Mappings {
  const before = [0, 0, 0, 0, 0];
  return text.split(';').map((line) => {
    before[0] = 0;
    return line
      .split(',')
      .filter((segment) => segment !== '')
      .map((segment): MappingSegment => {
        const [column = 0, ...fields] = readNumbers(segment).map((by, field) => add(before, field, by));
        return [column, ...fields];
      });
  });
}

export function formatMappings(mappings: Mappings): string {
  const before = [0, 0, 0, 0, 0];
  return mappings
    .map((line) => {
      before[0] = 0;
      return line
        .map((segment) => segment.map((value, field) => writeNumber(value - swap(before, field, value))).join(''))
        .join(',');
    })
    .join(';');
}

function add(before: number[], field: number, by: number): number {
  const value = (before[field] ?? 0) + by;
  before[field] = value;
  return value;
}

function swap(before: number[], field: number, value: number): number {
  const old = before[field] ?? 0;
  before[field] = value;
  return old;
}

/** Base 64 digits of five bits, least first, the sixth bit says that more follow; the sign is the number's lowest bit. */
function readNumbers(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of segment) {
    const digit = VALUES.get(character);
    if (digit === undefined) throw new Error(`not a source map: ${segment}`);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

function writeNumber(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = '';
  do {
    const digit = rest & 31;
    rest >>= 5;
    text += DIGITS[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}

/** Where in the author's file a place in the generated code comes from: line and column, 0-based. */
export function originOf(
  mappings: Mappings,
  line: number,
  column: number,
): { line: number; column: number } | undefined {
  const segment = mappings[line]?.findLast(([start]) => start <= column);
  return segment?.[2] === undefined ? undefined : { line: segment[2], column: segment[3] ?? 0 };
}

/** Text without line breaks, to be inserted at an offset. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** The code with every insertion made (sorted by offset), and mappings that still point where they did. */
export function insertInto(
  code: string,
  mappings: Mappings,
  insertions: readonly Insertion[],
): { code: string; mappings: Mappings } {
  const starts = lineStarts(code);
  const parts: string[] = [];
  let from = 0;
  for (const { at, text } of insertions) {
    parts.push(code.slice(from, at), text);
    from = at;
  }
  parts.push(code.slice(from));
  let next = 0;
  const moved = mappings.map((line, number) => {
    const start = starts[number] ?? code.length;
    const end = starts[number + 1] ?? code.length + 1;
    while (next < insertions.length && at(insertions, next).at < start) next++;
    const here = insertions.slice(next).filter(({ at }) => at < end);
    return here.length === 0
      ? line
      : line.map(([column, ...fields]) => [shifted(column, start, here), ...fields] as const);
  });
  return { code: parts.join(''), mappings: moved };
}

function shifted(column: number, start: number, insertions: readonly Insertion[]): number {
  let moved = column;
  for (const { at, text } of insertions) if (at <= start + column) moved += text.length;
  return moved;
}

/** The offset at which each line starts. */
export function lineStarts(code: string): number[] {
  const starts = [0];
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
