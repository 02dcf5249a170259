/** Lists by the page. What a page ends with is told as a cursor, in which only this file reads. */
import * as v from 'valibot';

const LIMIT_DEFAULT = 50;

/** How many a page has at most. A job is told in some 500 bytes, and Lambda answers with 6 MB at most. */
export const PAGE_MAX = { runs: 200, jobs: 5_000 } as const;

/** How many a page has, `most` at most. */
export function limit(most: number) {
  return v.optional(
    v.pipe(
      v.number('is no whole number'),
      v.integer('is no whole number'),
      v.minValue(1, 'is less than 1'),
      v.maxValue(most, `is more than ${most}`),
    ),
    LIMIT_DEFAULT,
  );
}

export const NO_CURSOR = 'is no cursor that a list gave';

/** Of nothing longer than what a run's place takes. */
const CURSOR_LENGTH_MAX = 400;

export const CursorText = v.pipe(
  v.string(),
  v.maxLength(CURSOR_LENGTH_MAX, NO_CURSOR),
  v.description('Given back, it asks for what comes next'),
);

/** What a cursor holds, to be checked by whoever reads it; undefined where it holds nothing. */
export const Cursor = v.pipe(CursorText, v.transform(jsonIn));

export function cursorOf(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function jsonIn(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
