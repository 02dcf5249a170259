/** Names of files as text, and back. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asText, bytesOf, textOf } from '../../core/files/names.ts';

const bytes = fc.uint8Array({ max: 255, maxLength: 12 }).map((array) => Buffer.from(array));
/** What is nearly an escape, or nearly a character. */
const pieces = fc
  .array(
    fc
      .constantFrom('\\', 'x', '\\x', '\\x5c', '\\xe9', 'e9', '5', 'c', 'é', '🧬', '\n')
      .map((text) => Buffer.from(text)),
  )
  .chain((plain) => fc.array(bytes, { maxLength: 3 }).map((odd) => Buffer.concat([...plain, ...odd, ...plain])));

it('any name comes back to the byte, from text that can be kept anywhere', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, pieces), (name) => {
      const text = textOf(name);
      expect(Buffer.from(bytesOf(text))).toEqual(name);
      expect(text.isWellFormed()).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('no text leads elsewhere: its bytes have the slashes, dots and NULs that it has itself', () => {
  const marks = (text: string | Buffer): string =>
    Buffer.from(text)
      .toString('latin1')
      .replace(/[^/.\0]/g, '');
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), pieces.map(String)), (path) => {
      expect(marks(bytesOf(path))).toBe(marks(path));
    }),
    { numRuns: 2000 },
  );
});

it.each([
  ['plain', 'plain'],
  ['back\\slash \\x41', 'back\\slash \\x41'],
  ['caf\\xe9', 'caf\\x5cxe9'],
  ['\\x5c', '\\x5cx5c'],
])('the name %j is the text %j', (name, text) => {
  expect(textOf(Buffer.from(name))).toBe(text);
  expect(asText(name)).toBe(text);
});

it('a byte that is no part of a character is written by its number, alone', () => {
  expect(textOf(Buffer.from('caf\xe9 \xff\xfe', 'latin1'))).toBe('caf\\xe9 \\xff\\xfe');
  expect(textOf(Buffer.concat([Buffer.from('ü'), Buffer.from([0xc3]), Buffer.from('ü')]))).toBe('ü\\xc3ü');
});
