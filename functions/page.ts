/** Lists by the page. What a page ends with is told as a cursor, in which only this file reads. */
import * as v from 'valibot';

const LIMIT_DEFAULT = 50;

/** How many a page has, `most` at most. From a query all values are texts. */
export const limit = (most: number) =>
  v.optional(
    v.pipe(
      v.union([v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))], 'is no whole number'),
      v.integer('is no whole number'),
      v.minValue(1, 'is less than 1'),
      v.maxValue(most, `is more than ${most}`),
    ),
    LIMIT_DEFAULT,
  );

export const NO_CURSOR = 'is no cursor that a list gave';

/** What a cursor holds, to be checked by whoever reads it; undefined where it holds nothing. */
export const Cursor = v.pipe(v.string(), v.transform(jsonIn));

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
