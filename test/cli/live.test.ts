import { describe, expect, it } from 'vitest';
import { fitted, live } from '../../cli/live.ts';

const STEP = new RegExp(`(\n|\r|${String.fromCharCode(27)}\\[\\d*[AJ])`);

/** What a terminal shows after the texts: knows line ends, carriage returns, cursor-up and clear-below. */
function screen(texts: readonly string[]): string[] {
  const lines: string[] = [''];
  let row = 0;
  for (const part of texts.join('').split(STEP)) {
    if (part === '\n') {
      row++;
      lines[row] ??= '';
    } else if (part.endsWith('A')) row -= Number(part.slice(2, -1));
    else if (part.endsWith('J')) lines.splice(row, Number.POSITIVE_INFINITY, '');
    else if (part !== '\r') lines[row] = `${lines[row]}${part}`;
  }
  return lines.slice(0, -1);
}

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 40, rows: 10, written, write: (text: string) => written.push(text) };
}

describe('the live table', () => {
  it('stands where it stood before, however its length changes', () => {
    const shown = terminal(true);
    shown.write('before\n');
    const table = live(shown);
    table.show(['one', 'two', 'three']);
    table.show(['uno']);
    table.show(['eins', 'zwei']);
    expect(screen(shown.written)).toEqual(['before', 'eins', 'zwei']);
    table.clear();
    expect(screen(shown.written)).toEqual(['before']);
  });

  it('is not there without a terminal', () => {
    const shown = terminal(false);
    const table = live(shown);
    table.show(['one']);
    table.clear();
    expect(shown.written).toEqual([]);
  });

  it('is cut to the screen, so that it can be redrawn', () => {
    expect(fitted(['a'.repeat(100), 'b'], 20, 10)).toEqual(['a'.repeat(19), 'b']);
    expect(fitted(['1', '2', '3', '4', '5'], 20, 4)).toEqual(['1', '2', '… 3 more lines']);
  });
});
