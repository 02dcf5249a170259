import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { asJson, shown, shownPieces } from '../../cli/terminal.ts';

const HOSTILE = 'a\x1b]0;title\x07\x1b[2Jb\u009b31mc\x7f\r\nd\te\rf\x00';

function inPieces(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  const count = Math.ceil(bytes.length / size);
  return Readable.from(Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size)));
}

async function collect(pieces: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const held: Buffer[] = [];
  for await (const piece of pieces) held.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(held);
}

describe('what a job wrote', () => {
  it('is text on a terminal, whatever controls are in it', () => {
    expect(shown(HOSTILE, { isTTY: true })).toBe('a\\x1b]0;title\\x07\\x1b[2Jb\\x9b31mc\\x7f\nd\te\\x0df\\x00');
  });

  it('reaches a file or another program as it was written', () => {
    expect(shown(HOSTILE, {})).toBe(HOSTILE);
  });

  it('is the same text in whatever pieces it is read, and the same bytes elsewhere', async () => {
    const bytes = Buffer.concat([Buffer.from(`${HOSTILE}é🧬\r`), Buffer.from([0xff, 0x9b, 0x0d, 0x0a, 0xc3])]);
    const whole = shown(bytes.toString(), { isTTY: true });
    for (const size of [1, 2, 3, 5, 1000]) {
      const onTerminal = await collect(shownPieces(inPieces(bytes, size), { isTTY: true }));
      expect(onTerminal.toString()).toBe(whole);
      expect(await collect(shownPieces(inPieces(bytes, size), {}))).toEqual(bytes);
    }
  });

  it('is text in JSON, too, which says the same', () => {
    const json = asJson({ [HOSTILE]: HOSTILE });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none.
    expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(JSON.parse(json)).toEqual({ [HOSTILE]: HOSTILE });
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
