/**
 * What `redex.script` is given. It is the one task whose arguments redex itself looks into: written by the language, carried
 * out by the runner, and shown by the engine. Encoded they are a list, [text, inputs, outputs, settings], which is in
 * hashes.
 */

import { listIn } from './nodes.ts';
import { type Index, rootOf, type Table } from './table.ts';

export interface ScriptArguments<T = unknown> {
  /** The script itself. */
  readonly text: T;
  /** Any nesting, with what is to be staged in it. */
  readonly inputs: T;
  /** Any nesting, with places that the script fills and marks for its standard output in it. */
  readonly outputs: T;
  /** A record, ScriptSettings. */
  readonly settings: T;
}

export interface ScriptSettings<T = unknown> {
  /** Environment variables that the author declares. */
  readonly env?: Readonly<Record<string, T>>;
}

/** The arguments of the call, in order. */
export function scriptArguments({ text, inputs, outputs, settings }: ScriptArguments): unknown[] {
  return [text, inputs, outputs, settings];
}

/** Where each argument is in an encoded list of them; undefined when it is not what a script is given. */
export function scriptArgumentsIn(args: Table): ScriptArguments<Index> | undefined {
  const [text, inputs, outputs, settings] = listIn(rootOf(args)) ?? [];
  if (text === undefined || inputs === undefined || outputs === undefined || settings === undefined) return undefined;
  return { text, inputs, outputs, settings };
}
