/** Lines that are redrawn in place on a terminal. */

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface Live {
  /** Whether there is a terminal. */
  readonly isShown: boolean;
  /** Shows the lines in place of those shown before. Nothing at all where there is no terminal. */
  show(lines: readonly string[]): void;
  /** Writes a line that stays, above what is shown next. */
  print(line: string): void;
  /** Leaves the terminal as it was before the first `show`. */
  clear(): void;
}

const LINE_UP_AND_CLEAR_BELOW = (lines: number) => (lines > 0 ? `\u001b[${lines}A\r\u001b[J` : '\r\u001b[J');

export function live(terminal: Terminal): Live {
  let shown = 0;
  const draw = (lines: readonly string[]) => {
    const text = lines.map((line) => `${line}\n`).join('');
    if (shown > 0 || text !== '') terminal.write((shown > 0 ? LINE_UP_AND_CLEAR_BELOW(shown) : '') + text);
    shown = lines.length;
  };
  const clear = () => draw([]);
  const print = (line: string) => {
    clear();
    process.stderr.write(`${line}\n`);
  };
  // A terminal that does not know its size says 0.
  if (!terminal.isTTY) return { isShown: false, show: () => undefined, print, clear };
  return {
    isShown: true,
    show: (lines) => draw(fitted(lines, terminal.columns || 80, terminal.rows || 24)),
    print,
    clear,
  };
}

/** A line that wraps, or a line above the top of the screen, could not be redrawn in place. */
export function fitted(lines: readonly string[], columns: number, rows: number): string[] {
  const room = Math.max(1, rows - 1);
  const kept = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
  return kept.map((line) => (line.length < columns ? line : line.slice(0, Math.max(0, columns - 1))));
}
