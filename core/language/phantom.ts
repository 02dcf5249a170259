/**
 * Lazy values, tasks and quotes have a part by type alone, which says what they come to: no value has it, so that no
 * expression has such a type by itself.
 */
import type { Phantom } from './types.ts';

/** The one place where a value gets such a type: what it comes to is what its maker says. */
export function comingTo<T extends Phantom>(value: object): T {
  return value as T;
}
