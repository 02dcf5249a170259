import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { File } from '../../core/values/classes.ts';
import { openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

const stdout = new File('-');

describe('the trace of a script', () => {
  const failing = (text: string, env: Record<string, string> = {}) => testbed.run({ text: `${text}\nexit 3\n`, env });

  it('is in its error, and neither in its log nor in its standard error', async () => {
    const ended = await failing('echo said >&2');
    expect(ended.error?.message).toContain('Its last commands:\n+ echo said\n+ exit 3');
    expect(ended.error?.stderr).toBe('said');
    expect(ended.log.split('[redex]')[0]).toBe('said\n');
  });

  it.each([
    ['a word', 'tok-5ECRET-123'],
    ['several words', 'Bearer tok-5ECRET-123 x'],
    ['quotes', `it's "tok-5ECRET-123" $HOME`],
    ['lines', 'first\ntok-5ECRET-123\nlast'],
    ['letters of another language', 'ключ-tok-5ECRET-123-ключ'],
    ['a backslash', 'C:\\tok-5ECRET-123\\x'],
  ])('has the names of declared variables for their values: %s', async (_, value) => {
    const ended = await failing('test -n "$TOKEN"; curl_stand_in() { :; }; curl_stand_in -H "Authorization: $TOKEN"', {
      TOKEN: value,
    });
    expect(ended.error?.message).toContain('$TOKEN');
    const folder = /working directory is kept: (.*)/.exec(ended.log)?.[1] ?? '';
    const kept = await readFile(join(folder, '.redex/trace'), 'utf8');
    for (const text of [ended.error?.message, ended.error?.stderr, ended.log, kept]) {
      expect(text).not.toContain('5ECRET');
    }
  });

  it('changes nothing that the script can see', async () => {
    const text = 'echo "[$BASH_ENV]"; env | grep -c BASH || true; bash -c "echo inner"\n';
    const ended = await testbed.run({ text, outputs: stdout });
    expect(ended.value).toBe('[]\n0\ninner\n');
  });
});

describe('a here-document', () => {
  it.each([
    ['that never ends', "cat > x <<'END'\nrow\n  END\necho more\n", /line 1 never ends.*END/],
    ['in a substitution', 'x=$(cat <<EOF\nrow\n)\necho more\n', /never ends|exit code/],
    ['of a script with an interpreter line', '#!/bin/bash\ncat <<END\nrow\n', /line 2 never ends/],
  ])('%s fails its script, before anything is run', async (_, text, message) => {
    const ended = await testbed.run({ text, outputs: stdout });
    expect(ended.error?.message).toMatch(message);
  });

  it('that ends is no trouble, and neither is another language that looks like one', async () => {
    expect((await testbed.run({ text: 'cat <<A\nrow\nA\n', outputs: stdout })).value).toBe('row\n');
    const perl = '#!/usr/bin/env perl\nmy $x = 1 <<2;\nprint "$x\n";\n';
    expect((await testbed.run({ text: perl, outputs: stdout })).value).toBe('4\n');
  });
});
