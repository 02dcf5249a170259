/** What a measurement is, and how its figures are shown. */

/** One row: what was measured, of which size, and what came out. Names say the unit. */
export type Figures = Readonly<Record<string, string | number | boolean>>;

export interface Measurement {
  /** A line for the list of measurements. */
  readonly title: string;
  /** What its words mean, and what they are when there are none. */
  readonly usage: string;
  /** One row after another. Throws when a result is wrong: a value, a number of jobs. */
  measure(words: readonly string[]): AsyncIterable<Figures> | Iterable<Figures>;
}

/** Rows of one measurement, with a heading. The columns are those of the first row. */
export function table(rows: readonly Figures[]): string {
  const [first] = rows;
  if (!first) return '';
  const names = Object.keys(first);
  const cells = [names, ...rows.map((row) => names.map((name) => shown(row[name])))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const isNumber = names.map((name) => typeof first[name] === 'number');
  return cells
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Large numbers whole, in groups of three; small ones with three digits. */
function shown(figure: Figures[string] | undefined): string {
  if (typeof figure !== 'number') return String(figure ?? '');
  if (Math.abs(figure) >= 100 || Number.isInteger(figure)) {
    return String(Math.round(figure)).replace(/\B(?=(\d{3})+$)/g, ',');
  }
  return figure.toPrecision(3);
}

/** Whole numbers from words, or the default ones. Throws for what is no size. */
export function sizesOf(words: readonly string[], defaults: readonly number[]): readonly number[] {
  if (words.length === 0) return defaults;
  return words.map((word) => {
    const size = Number(word.replace(/k$/, '000').replace(/M$/, '000000'));
    if (!Number.isSafeInteger(size) || size < 1)
      throw new Error(`${word} is no size: a whole number, as 1000, 10k or 1M`);
    return size;
  });
}
