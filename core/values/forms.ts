/** The control forms: names and terms, as `['form', name, terms]` has them and as the reducer takes them. */
export interface FormTerms {
  /** test, then, test, then, …, otherwise: always an odd number; a missing `otherwise` is undefined. */
  readonly cond: readonly unknown[];
  /** The expressions, one term each; none for an empty seq. */
  readonly seq: readonly unknown[];
  /** Third, if there are call options for each call: a record of them. */
  readonly map: readonly [task: unknown, list: unknown, options?: unknown];
  /** As map; each call gives a list, the value is all of them end to end. */
  readonly flatMap: readonly [task: unknown, list: unknown, options?: unknown];
  /** expression, names, recover, names, recover, …: names is a list of strings, recover a task of one error. */
  readonly catch: readonly [expression: unknown, ...namesAndRecover: unknown[]];
  /** A list or record; a list of strings, or undefined; a task of the terms, or undefined. */
  readonly catchAll: readonly [terms: unknown, names: readonly string[] | undefined, recover: unknown];
  /** An error, or a text that becomes an Error's message. */
  readonly throw: readonly [error: unknown];
  /** An expression whose value is a quote. */
  readonly force: readonly [quoted: unknown];
  /** An expression whose value is a task, then the call's arguments. */
  readonly apply: readonly [task: unknown, ...args: unknown[]];
  /** Keys joined by dots; undefined if there is no default. */
  readonly context: readonly [path: string, otherwise: unknown];
}

export type FormName = keyof FormTerms;
