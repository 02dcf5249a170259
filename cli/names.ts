/** Names as people type them. */
import { editDistance } from '../core/values/nearest.ts';
import { UsageError } from './usage-error.ts';

/**
 * The full name that `given` stands for: itself, or the only name that ends in it after a dot (`main` for
 * `bioinfo_batch.main`). Throws UsageError with the names there are, the nearest first asked about.
 */
export function fullName(given: string, names: readonly string[]): string {
  if (names.includes(given)) return given;
  const ending = names.filter((name) => name.endsWith(`.${given}`));
  const [only] = ending;
  if (only !== undefined && ending.length === 1) return only;
  if (ending.length > 1) throw new UsageError(`${given} could be any of: ${ending.join(', ')}`);
  if (names.length === 0)
    throw new UsageError(`there is no workflow ${given}, and no other: no task here declares params`);
  const near = nearest(given, names);
  const question = near === undefined ? '' : `; did you mean ${near}?`;
  throw new UsageError(
    [`there is no workflow ${given}${question}`, 'There are:', ...names.map((name) => `  ${name}`)].join('\n'),
  );
}

/** The name closest to `given`, full or without what stands before its last dot; undefined when none is close. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({
    name,
    edits: Math.min(editDistance(given, name), editDistance(given, name.slice(name.lastIndexOf('.') + 1))),
  }));
  const best = scored.toSorted((a, b) => a.edits - b.edits)[0];
  return best && best.edits <= Math.max(2, given.length / 3) ? best.name : undefined;
}
