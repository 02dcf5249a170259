import { describe, expect, it } from 'vitest';
import { flagName, parseFlags, refuseAmbiguous } from '../../cli/arguments.ts';
import { jsonSchemaOf, v } from '../../core/language/params.ts';
import type { WorkflowInfo } from '../../core/values/program.ts';

const MAIN: WorkflowInfo = {
  name: 'bioinfo_batch.main',
  description: 'Aligns samples',
  params: jsonSchemaOf(
    v.object({
      samplesFile: v.pipe(v.file(), v.description('a sample on each line')),
      outputPath: v.string(),
      platform: v.optional(v.string(), 'illumina'),
      threads: v.optional(v.number()),
      trim: v.optional(v.boolean()),
      sites: v.optional(v.array(v.file())),
      depths: v.optional(v.array(v.number())),
      mode: v.optional(v.picklist(['fast', 'exact'])),
      extra: v.optional(v.record(v.string(), v.number())),
      limit: v.optional(v.union([v.number(), v.literal('none')])),
    }),
  ),
};
const NEEDED = ['--samples-file', 's.txt', '--output-path', 'out'];

function read(...words: string[]): Record<string, unknown> {
  const parsed = parseFlags(MAIN, words, {});
  if (parsed.kind !== 'arguments') throw new Error('expected arguments');
  return parsed.args;
}

describe('flags of a workflow', () => {
  it.each([
    ['samplesFile', 'samples-file'],
    ['output_path', 'output-path'],
    ['n', 'n'],
    ['reads1File', 'reads1-file'],
  ])('%s is given as --%s', (key, flag) => {
    expect(flagName(key)).toBe(flag);
  });

  it('carry texts and files as they stand', () => {
    expect(read(...NEEDED)).toEqual({ samplesFile: 's.txt', outputPath: 'out' });
  });

  it.each([
    [['--threads', '8'], { threads: 8 }],
    [['--threads=-2.5'], { threads: -2.5 }],
    [['--trim'], { trim: true }],
    [['--no-trim'], { trim: false }],
    [['--sites', 'a.vcf', '--sites', 'b.vcf'], { sites: ['a.vcf', 'b.vcf'] }],
    [['--depths', '1', '--depths', '20'], { depths: [1, 20] }],
    [['--mode', 'exact'], { mode: 'exact' }],
    [['--extra', '{"a": 1}'], { extra: { a: 1 } }],
    [['--limit', '3'], { limit: 3 }],
    [['--limit', 'none'], { limit: 'none' }],
  ])('%j is read by its declared type', (words, expected) => {
    expect(read(...NEEDED, ...words)).toMatchObject(expected);
  });

  it('leaves defaults to the workflow, which fills them in before hashing', () => {
    expect(read(...NEEDED)).not.toHaveProperty('platform');
  });

  it('override what came in a file', () => {
    const given = { samplesFile: 'f.txt', outputPath: 'f', threads: 1 };
    expect(parseFlags(MAIN, ['--output-path', 'flag'], given)).toEqual({
      kind: 'arguments',
      args: { samplesFile: 'f.txt', outputPath: 'flag', threads: 1 },
    });
  });

  it.each([
    [['--samples-file', 's.txt'], 'needs --output-path'],
    [[...NEEDED, '--sample', 'x'], "unknown option '--sample'"],
    [[...NEEDED, '--output-pth', 'x'], 'Did you mean --output-path?'],
    [[...NEEDED, '--threads', 'many'], 'It must be a number'],
    [[...NEEDED, '--mode', 'slow'], 'one of fast, exact'],
    [[...NEEDED, '--extra', '{'], 'It must be JSON'],
    [[...NEEDED, 'stray'], 'too many arguments'],
    [['--samples-file'], 'argument missing'],
  ])('%j is refused with advice', (words, message) => {
    expect(() => read(...words)).toThrow(message);
    expect(() => read(...words)).toThrow('redex run bioinfo_batch.main --help');
  });

  it('are listed by --help with what they take', () => {
    const parsed = parseFlags(MAIN, ['--help'], {});
    expect(parsed.kind === 'help' && parsed.text).toContain('Aligns samples');
    expect(parsed.kind === 'help' && parsed.text).toMatch(/--samples-file <file> +a sample on each line; required/);
    expect(parsed.kind === 'help' && parsed.text).toMatch(/--platform <text> +default: "illumina"/);
    expect(parsed.kind === 'help' && parsed.text).toMatch(/--sites <file> +may be repeated/);
  });
});

describe('a parameter called like an option of redex run', () => {
  const params = jsonSchemaOf(
    v.object({
      tag: v.string(),
      json: v.boolean(),
      failure: v.string(),
      argsFile: v.file(),
      dry_run: v.boolean(),
      cache: v.boolean(),
      other: v.string(),
    }),
  );
  const workflow: WorkflowInfo = { name: 'w.main', description: undefined, params };

  it.each([
    ['--tag', 'tag'],
    ['--json', 'json'],
    ['--failure', 'failure'],
    ['--args-file', 'argsFile'],
    ['--dry-run', 'dry_run'],
    ['--no-cache', 'cache'],
  ])('is refused where %s was typed for one of the two, with advice', (flag, key) => {
    const refused = () => refuseAmbiguous(workflow, ['--profile', flag]);
    expect(refused).toThrow(`${flag} is an option of redex run and a parameter of w.main (${key})`);
    expect(refused).toThrow(`redex run w.main -- ${flag} …`);
  });

  it('is none where only other options were typed', () => {
    expect(() => refuseAmbiguous(workflow, ['--profile', '--chaos'])).not.toThrow();
  });
});
