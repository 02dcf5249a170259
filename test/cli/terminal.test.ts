import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shown } from '../../cli/terminal.ts';

const HOSTILE = 'a\x1b]0;title\x07\x1b[2Jb\u009b31mc\x7f\r\nd\te\rf\x00';

describe('what a job wrote', () => {
  it('is text on a terminal, whatever controls are in it', () => {
    expect(shown(HOSTILE, { isTTY: true })).toBe('a\\x1b]0;title\\x07\\x1b[2Jb\\x9b31mc\\x7f\nd\te\\x0df\\x00');
  });

  it('reaches a file or another program as it was written', () => {
    expect(shown(HOSTILE, {})).toBe(HOSTILE);
  });

  it('keeps letters of every language', () => {
    expect(shown('gén-öm 🧬 日本\n', { isTTY: true })).toBe('gén-öm 🧬 日本\n');
  });
});

describe('a reader that has seen enough', () => {
  it('ends the command quietly', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../cli/terminal.ts'));
    const text = `
      import { endQuietlyWithReader } from ${module};
      endQuietlyWithReader(process.stdout);
      setInterval(() => process.stdout.write('x'.repeat(100_000)), 1);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect({ code, said }).toEqual({ code: 0, said: '' });
  });
});
