import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { file, map, raw, sh, task } from '../../core/index.ts';
import { evaluate, playWorld } from '../support/play.ts';

const textOf = (script: unknown) => evaluate(playWorld(), script) as Promise<string>;
const same = task('sh.same', { version: '1' }, (value: string) => value);

describe('sh', () => {
  it('quotes values where they need it, and words of a list one by one', async () => {
    const script = sh`
      run -@ ${4} ${'plain-1.0_a/b'} ${"it's"} ${['a', 'b c', '']} ${file('in/x y')} ${'$HOME `x`'}
    `;
    expect(await textOf(script)).toBe("run -@ 4 plain-1.0_a/b 'it'\\''s' a 'b c' '' 'in/x y' '$HOME `x`'\n");
  });

  it('takes lazy values and lists', async () => {
    expect(await textOf(sh`echo ${same('a b')} ${map(same, ['c', 'd e'])}`)).toBe("echo 'a b' c 'd e'\n");
  });

  it('indents a raw block like the place where it stands, so that the rest stays where it is', async () => {
    const rows = ['a\t1', 'b\t2', '  c\t3'].join('\n');
    const script = sh`
      if true; then
        cat <<'END'
        ${raw(rows)}
        END
      fi
      ${raw(same('echo 1\necho 2\n'))}
    `;
    expect(await textOf(script)).toBe(
      "if true; then\n  cat <<'END'\n  a\t1\n  b\t2\n    c\t3\n  END\nfi\necho 1\necho 2\n",
    );
  });

  it('leaves the lines of a quoted value alone', async () => {
    expect(
      await textOf(sh`
      echo ${'  two\n  lines'}
    `),
    ).toBe("echo '  two\n  lines'\n");
  });

  it.each([
    ['a record', { a: 1 }],
    ['nothing', undefined],
    ['a NUL', 'a\0b'],
  ])('refuses %s', async (_, value) => {
    await expect(textOf(sh`echo ${value as string}`)).rejects.toThrow(/word of a command/);
  });

  it('gives bash exactly the words that were meant, whatever is in them', async () => {
    const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    const hostile = fc.constantFrom(
      "'",
      '"',
      '$(id)',
      '`id`',
      '\\',
      '\n',
      ' ',
      '*',
      '~',
      '!',
      '-n',
      '#',
      ';',
      '&&',
      'é',
    );
    const words = fc.array(
      fc.oneof(
        word,
        hostile,
        fc.tuple(word, hostile, word).map((all) => all.join('')),
      ),
      {
        minLength: 1,
      },
    );
    await fc.assert(
      fc.asyncProperty(words, async (meant) => {
        const script = await textOf(sh`printf '%s\\0' ${meant}`);
        const got = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
        expect(got).toEqual(meant);
      }),
      { numRuns: 60 },
    );
  });
});
