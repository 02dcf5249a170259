import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretsOf } from '../../docker/runner/secrets.ts';

const TOKEN = 'tok-5ECRET+/=$&.*-123';
const KEY = `-----BEGIN KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(6)}\nq7Rz\n-----END KEY-----`;

/** What `text` is as a job's log, written in pieces that end at these places. */
function logged(variables: Record<string, string>, text: string, cuts: readonly number[]): string {
  const bytes = Buffer.from(text);
  const stream = secretsOf(variables).stream();
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.byteLength + 1)))].sort((a, b) => a - b);
  const pieces = [...ends, bytes.byteLength].map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
  return Buffer.concat([...pieces.map((piece) => stream.push(piece)), stream.end()]).toString();
}

describe('a secret', () => {
  it.each([
    ['as it is', (value: string) => value],
    ['within other text', (value: string) => `curl -H 'Authorization: ${value}' https://x`],
    ['in JSON', (value: string) => JSON.stringify({ value })],
    ['in an address', (value: string) => `https://x/?key=${encodeURIComponent(value)}`],
    ['in base64', (value: string) => Buffer.from(value).toString('base64')],
    ['in base64, of a password after its user', (value: string) => Buffer.from(`user:${value}`).toString('base64')],
    ['in base64, after two letters', (value: string) => Buffer.from(`ab${value}cd`).toString('base64')],
    ['in base64 for addresses', (value: string) => Buffer.from(value).toString('base64url')],
    ['in base64 of several lines', (value: string) => execFileSync('base64', { input: `${value}\n` }).toString()],
  ])('has its name in its place: %s', (_, spell) => {
    for (const value of [TOKEN, KEY]) {
      const text = spell(value);
      const hidden = secretsOf({ TOKEN: value }).hide(text);
      expect(hidden).toContain('$TOKEN');
      // What is left has no run of the text that tells more than its ends do.
      const left = hidden.split(/\$TOKEN|\s/).filter((part) => part.length >= 8);
      expect(left.filter((part) => spell(value).includes(part) && !spell('####').includes(part))).toEqual([]);
    }
  });

  it.each([
    ['export -p', 'export -p | grep TOKEN'],
    ['set', 'set | grep TOKEN'],
    ['printf %q', 'printf "%q\\n" "$TOKEN"'],
    ['@Q', `echo "\${TOKEN@Q}"`],
    ['a trace', 'set -x; : "$TOKEN" 2>&1'],
    ['a trace of a shell that is no bash', 'sh -xc \': "$TOKEN"\''],
  ])('is hidden as a shell writes it: %s', (_, script) => {
    for (const value of ['pa$$w0rd and `more`', "it's 'quoted' and $5", 'a,b;c"d e\\f', 'plain-enough', 'ключ 5 $']) {
      const said = execFileSync('bash', ['-c', `exec 2>&1; ${script}`], { env: { ...process.env, TOKEN: value } });
      const hidden = secretsOf({ TOKEN: value }).hide(said.toString());
      expect(said.toString()).not.toBe(hidden);
      // The longest words of the value are gone.
      for (const word of value.match(/[\w-]{4,}/g) ?? []) expect(hidden.replaceAll('$TOKEN', '')).not.toContain(word);
    }
  });

  it('that another begins with does not leave the end of that', () => {
    const variables = { A: 'hunter2', B: 'hunter2-and-more' };
    expect(secretsOf(variables).hide('hunter2 hunter2-and-more')).toBe('$A $B');
    for (let cut = 0; cut < 24; cut += 1) {
      expect(logged(variables, 'hunter2 hunter2-and-more', [cut])).toBe('$A $B');
    }
  });

  it('is hidden however what is written comes in pieces, and all else is there to the byte', () => {
    const word = fc.constantFrom('a', 'ab', 'ba', 'abab', 'ababac', 'é', '\n', '5ECRET', 'tok-', TOKEN);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom('abab', 'ababac', 'baba', 'ébé-é', TOKEN), { minLength: 1 }),
        fc.array(word).map((words) => words.join('')),
        fc.array(fc.nat(200), { maxLength: 8 }),
        (values, text, cuts) => {
          const variables = Object.fromEntries(values.map((value, at) => [`S${at}`, value]));
          const whole = secretsOf(variables).hide(text);
          expect(logged(variables, text, cuts)).toBe(whole);
          for (const value of values) expect(whole).not.toContain(value);
        },
      ),
    );
  });

  it('is not waited for longer than it takes to know better', () => {
    const stream = secretsOf({ TOKEN }).stream();
    expect(stream.push(Buffer.from('ready\n')).toString()).toBe('ready\n');
    expect(stream.push(Buffer.from('tok')).toString()).toBe('');
    expect(stream.push(Buffer.from('en\n')).toString()).toBe('token\n');
    expect(stream.push(Buffer.from('tok')).toString() + stream.end().toString()).toBe('tok');
  });

  it('that is not there changes no byte', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a]);
    const stream = secretsOf({ TOKEN }).stream();
    expect(Buffer.concat([stream.push(bytes), stream.end()])).toEqual(bytes);
  });

  it('is found in a result as a whole only', () => {
    const { heldIn } = secretsOf({ KEY, TOKEN });
    expect(heldIn(JSON.stringify([`x${TOKEN}`]))).toBe('TOKEN');
    expect(heldIn(JSON.stringify([KEY]))).toBe('KEY');
    expect(heldIn(JSON.stringify(['-----BEGIN KEY-----']))).toBeUndefined();
  });
});
