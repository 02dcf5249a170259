import { describe, expect, it } from 'vitest';
import { parseArguments, v } from '../../core/language/params.ts';

const NAMES = ['__proto__', 'constructor', 'prototype'];
const PARAMS = v.object({
  depths: v.optional(v.record(v.string(), v.number())),
  nested: v.optional(v.array(v.looseObject({ by: v.optional(v.record(v.string(), v.any())) }))),
  made: v.optional(v.pipe(v.record(v.string(), v.number()), v.transform(Object.keys))),
  anything: v.optional(v.any()),
});

function read(json: string): Record<string, unknown> {
  return parseArguments('w.main', PARAMS, JSON.parse(json));
}

describe('keys that every object knows', () => {
  it.each(NAMES)('(%s) are refused by name in a record, wherever it stands, and not dropped', (key) => {
    expect(() => read(`{"depths": {"a": 1, "${key}": 2}}`)).toThrow(
      `depths.${key}: a key cannot be called ${key} here`,
    );
    expect(() => read(`{"nested": [{}, {"by": {"${key}": 2}}]}`)).toThrow(`nested[1].by.${key}: a key cannot`);
    expect(() => read(`{"nested": [{"${key}": 2}]}`)).toThrow(`nested[0].${key}: a key cannot`);
    expect(() => read(`{"made": {"${key}": 2}}`)).toThrow(`made.${key}: a key cannot`);
    expect(() => read(`{"${key}": 2}`)).toThrow(`${key}: there is no such parameter`);
  });

  it.each(NAMES)('(%s) are kept where the parameter takes anything, also below a record', (key) => {
    const json = `{"anything":{"${key}":{"${key}":1}},"nested":[{"by":{"a":{"${key}":1}}}]}`;
    expect(JSON.parse(JSON.stringify(read(json)))).toEqual(JSON.parse(json));
    expect(JSON.stringify(read(json))).toContain(`"${key}":{"${key}":1}`);
  });

  it('of other names are kept in records', () => {
    expect(read('{"depths": {"toString": 1, "hasOwnProperty": 2}}').depths).toEqual({ toString: 1, hasOwnProperty: 2 });
  });
});
