/** Plain values: what JSON has, and nothing of the language. */
import { decode } from './decode.ts';
import type { Table } from './table.ts';

/** Whether the value is an object with keys, and no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a table without tasks and expressions. Throws TypeError, which says so of `what`, when it has some. */
export function plainValue(table: Table, what: string): unknown {
  const refuse = (): never => {
    throw new TypeError(`${what} of plain values, without tasks or expressions`);
  };
  return decode(table, { task: refuse, expression: refuse });
}
