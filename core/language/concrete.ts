/** Whether something lazy stands in a value. */
import { isRecord } from '../values/guards.ts';
import { isLazy } from './lazy.ts';

/** Looks into lists, plain records, maps and sets, at any depth; nothing else can hold something lazy. */
export function hasLazy(value: unknown): boolean {
  const seen = new Set<unknown>([value]);
  for (const part of seen) {
    if (isLazy(part)) return true;
    for (const member of membersOf(part)) seen.add(member);
  }
  return false;
}

function membersOf(value: unknown): Iterable<unknown> {
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return isRecord(value) ? Object.values(value) : [];
}
