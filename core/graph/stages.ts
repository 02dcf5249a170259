/** How far each control form can be, in the order in which it gets there; it begins at the first. What a form asked for is among its inputs. */
import type { FormName } from '../values/forms.ts';

export const STAGES = {
  /** Its tests are asked for one after another; then the branch of the one that holds, or the last. */
  cond: ['testing', 'branching'],
  /** Its expressions are asked for one after another. */
  seq: ['going on'],
  /** Task and list are asked for; then the calls of the elements, which are its inputs from then on. */
  map: ['preparing', 'over the elements'],
  flatMap: ['preparing', 'over the elements'],
  /**
   * The guarded expression is asked for, then the task that recovers, then its call. Where the cache knows of an earlier
   * recovery, that call is the only input.
   */
  catch: ['guarding', 'choosing', 'recovering', 'recalled'],
  /** All terms are waited for, then the task that recovers is asked for, then its call. */
  catchAll: ['guarding', 'choosing', 'recovering'],
  throw: ['preparing'],
  /** The quote is asked for, then the expression that it holds. */
  force: ['quoted', 'entered'],
  /** Task and arguments are asked for, then the call. */
  apply: ['preparing', 'calling'],
  context: ['going on'],
} as const satisfies Readonly<Record<FormName, readonly [string, ...string[]]>>;

/** The stages of one form, or of several. */
export type StageOf<F extends FormName> = (typeof STAGES)[F][number];

export type Stage = StageOf<FormName>;

/** Whether this version knows the form. */
export function isForm(name: string): name is FormName {
  return Object.hasOwn(STAGES, name);
}

/** Where the form begins; null for one that only a later version knows. */
export function firstStage(name: string): Stage | null {
  return isForm(name) ? STAGES[name][0] : null;
}
