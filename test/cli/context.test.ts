import { describe, expect, it } from 'vitest';
import { contextWith, parseContextPart } from '../../cli/context.ts';

const parts = (...texts: string[]) => texts.flatMap((text) => parseContextPart(text) ?? []);

describe('the context on the command line', () => {
  it.each([
    ['tools=debian', { path: ['tools'], value: 'debian' }],
    ['a.b.c=1', { path: ['a', 'b', 'c'], value: 1 }],
    ['a={"x": [true]}', { path: ['a'], value: { x: [true] } }],
    ['a="1"', { path: ['a'], value: '1' }],
    ['a=', { path: ['a'], value: '' }],
    ['a=b=c', { path: ['a'], value: 'b=c' }],
  ])('%s', (text, part) => {
    expect(parseContextPart(text)).toEqual(part);
  });

  it.each(['a', '=1', 'a..b=1', '.a=1', ''])('%j is none', (text) => {
    expect(parseContextPart(text)).toBeUndefined();
  });

  it('is laid over what the program has, at any depth, and only what is changed is in it', () => {
    const program = { tools: { aligner: 'bwa', threads: 4 }, other: 1 };
    expect(contextWith(program, parts('tools.threads=8', 'tools.deep.x=y', 'new=true'))).toEqual({
      tools: { aligner: 'bwa', threads: 8, deep: { x: 'y' } },
      new: true,
    });
    expect(program.tools.threads).toBe(4);
  });

  it('takes keys of any name', () => {
    const context = contextWith({}, parts('__proto__.a=1', 'constructor=2'));
    expect(Object.keys(context)).toEqual(['__proto__', 'constructor']);
  });
});
