import { describe, expect, it } from 'vitest';
import { dir, file, script } from '../../core/index.ts';
import { briefArguments } from '../../core/values/brief.ts';
import { encode } from '../../core/values/encode.ts';
import { type Index, type Node, subtable, type Table } from '../../core/values/table.ts';

function brief(...args: unknown[]): string {
  return briefArguments('demo.task', encode(args));
}

describe('arguments in a few words', () => {
  it.each<[unknown, string]>([
    ['it is', '"it is"'],
    ['two\nlines', '"two\\nlines"'],
    [3.5, '3.5'],
    [Number.NaN, 'NaN'],
    [12n, '12n'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1, 2, 3, 4, 5, 6], '[1, 2, 3, 4, … 2 more]'],
    [{ b: { c: { d: 1 } }, a: [] }, '{ a: [], b: { c: { d: … } } }'],
    [{}, '{}'],
    [new Map([[1, 2]]), 'Map of 1'],
    [new Set(['x']), 'Set ["x"]'],
    [new Error('no'), 'Error("no")'],
    [file('reads/a.fastq'), 'reads/a.fastq'],
    [dir('out'), 'out/'],
    [file('s3://bucket/key?versionId=3'), 's3://bucket/key'],
    [file('what?.txt'), 'what?.txt'],
    [file('two\nlines\u001b[2J.txt'), 'two\\nlines\\x1b[2J.txt'],
    [{ 'a\nb': 1 }, '{ a\\nb: 1 }'],
    ['\u009b2J', '"\\x9b2J"'],
    [file(`data/${'x'.repeat(60)}/sample_07.bam`), `…${'x'.repeat(25)}/sample_07.bam`],
  ])('show %o as %s', (value, text) => {
    expect(brief(value)).toBe(text);
  });

  it('are short whatever they are, and cost no more than what is shown', () => {
    const wide = Array.from({ length: 100_000 }, (_, at) => `${'x'.repeat(50)}${at}`);
    let deep: unknown = 'bottom';
    for (let depth = 0; depth < 10_000; depth++) deep = [deep];
    const table = encode([wide, deep, 'x'.repeat(1_000_000), Object.fromEntries(wide.map((key) => [key, key]))]);
    const before = process.cpuUsage();
    for (let time = 0; time < 100; time++) expect(briefArguments('demo.task', table).length).toBeLessThanOrEqual(120);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
  });

  it('never cut a character in two', () => {
    expect(brief('𝕏'.repeat(100)).isWellFormed()).toBe(true);
    expect(brief(file(`d/${'𝕏'.repeat(100)}.txt`)).isWellFormed()).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a field named like one', { user: 'ada', password: 'hunter2' }],
    ['a field of a field', { db: { apiKey: 'hunter2', AWS_SECRET_ACCESS_KEY: 'hunter2' } }],
    ['an address with a user', 'https://ada:hunter2@example.org/data'],
    ['the address of a file', file('https://ada:hunter2@example.org/data?token=hunter2')],
    ['a signed address', 'https://example.org/x?X-Amz-Signature=hunter2&X-Amz-Credential=hunter2'],
    ['an option of a command', 'fetch --token hunter2 --api-key=hunter2'],
    ['a variable of a command', 'MY_PASSWORD="hunter2 hunter2" fetch'],
    ['JSON in a text', '{"secret": "hunter2"}'],
    ['a header', 'curl -H "Authorization: Bearer hunter2"'],
    ['an error', new Error('token=hunter2 is wrong')],
  ])('leave secrets out: %s', (_what, value) => {
    expect(brief(value)).not.toContain('hunter2');
    expect(brief([value])).not.toContain('hunter2');
  });
});

describe('a script in a few words', () => {
  const briefScript = (...given: Parameters<typeof script>) => {
    const table = encode(script(...given));
    const call = table.at(-1) as Extract<Node, readonly unknown[]> & { readonly 2: readonly Index[] };
    const args: Table = [...table.slice(0, -1), ['list', call[2]]];
    return briefArguments('redex.script', subtable(args, args.length - 1));
  };

  it('is the line that tells most, and what it reads and writes', () => {
    const text = '#!/bin/bash\n# sorts\nset -eu\n\nsamtools sort in.bam > out.bam\nsamtools index out.bam\n';
    const sorted = briefScript(text, {
      inputs: [file('data/a.bam').stage('in.bam'), { more: dir('ref').stage() }],
      outputs: { bam: file('out/a.bam').stage('out.bam'), n: 3 },
    });
    expect(sorted).toBe('"samtools sort in.bam > out.bam", in data/a.bam and 1 more, out out/a.bam');
    expect(briefScript('true')).toBe('"true"');
  });

  it('shows nothing of its environment', () => {
    expect(briefScript('true', { env: { PLAIN: 'hunter2' } })).toBe('"true"');
  });
});
