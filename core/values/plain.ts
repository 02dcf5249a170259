/** Plain values: what JSON has, and nothing of the language. */
import { decode } from './decode.ts';
import type { Table } from './table.ts';

/** The value of a table without tasks and expressions. Throws TypeError, which says so of `what`, when it has some. */
export function plainValue(table: Table, what: string): unknown {
  const refuse = (): never => {
    throw new TypeError(`${what} of plain values, without tasks or expressions`);
  };
  return decode(table, { task: refuse, expression: refuse });
}
