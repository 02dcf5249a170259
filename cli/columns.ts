/** Plain tables for the terminal. */
import { at } from '../core/values/present.ts';

/** Rows under their headings, each column as wide as its widest cell; `right` names columns that are flush right. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string[] {
  const table = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, column) =>
        right.includes(at(headings, column)) ? cell.padStart(at(widths, column)) : cell.padEnd(at(widths, column)),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** `8.82s`, `3m12s`, `2h05m`. */
export function shortDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 59.995) return `${seconds.toFixed(2)}s`;
  const whole = Math.round(seconds);
  const pad = (part: number) => String(part).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}
