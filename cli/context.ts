/** The context of a run as it is given on the command line: `--context tools.aligner=bwa`. */
import { isRecord } from '../core/values/guards.ts';

export interface ContextPart {
  readonly path: readonly string[];
  /** JSON where it is some, else the text. */
  readonly value: unknown;
}

/** undefined where the text is no `path=value`; parts of the path are parted by dots. */
export function parseContextPart(text: string): ContextPart | undefined {
  const at = text.indexOf('=');
  const path = text.slice(0, at).split('.');
  if (at < 1 || path.includes('')) return undefined;
  return { path, value: jsonOr(text.slice(at + 1)) };
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What is laid over the program's context: each key at its top that is changed, with all that it held beside. */
export function contextWith(
  program: Readonly<Record<string, unknown>>,
  parts: readonly ContextPart[],
): Record<string, unknown> {
  const changed = new Map<string, unknown>();
  for (const { path, value } of parts) {
    const [key = '', ...rest] = path;
    changed.set(key, withValue(changed.has(key) ? changed.get(key) : own(program, key), rest, value));
  }
  return Object.fromEntries(changed);
}

function withValue(held: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const entries = new Map(isRecord(held) ? Object.entries(held) : []);
  entries.set(key, withValue(entries.get(key), rest, value));
  return Object.fromEntries(entries);
}

function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
