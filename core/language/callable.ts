/** Tasks as callables: what builds the expressions, and comes back when a task was passed as a value. */
import { EXPRESSION, type Expression, TASK, type TaskReference } from '../values/classes.ts';
import type { Revive } from '../values/decode.ts';
import { NotEncodable } from '../values/encode.ts';
import { isObject } from '../values/guards.ts';
import { hasLazy } from './concrete.ts';
import { lazy } from './lazy.ts';
import { fillDefaults } from './params.ts';
import { comingTo } from './phantom.ts';
import { definitionOf } from './registry.ts';
import type { CallOptions, Lazy, Task } from './types.ts';

/** What a callable was made of. */
const MADE = Symbol('redex.callable');

interface CallableParts {
  readonly name: string;
  readonly bound: readonly unknown[];
  readonly options: CallOptions | undefined;
}

/** The task `name` with its first arguments given. Whether there is such a task shows when it is called in a run. */
export function callable<A extends unknown[], R>(
  name: string,
  bound: readonly unknown[] = [],
  options: CallOptions | undefined = undefined,
): Task<A, R> {
  const given = (args: readonly unknown[]) => [...bound, ...(bound.length === 0 ? prepared(name, args) : args)];
  const call = (...args: unknown[]) => lazy({ kind: 'call', name, args: given(args), options });
  Object.defineProperties(call, {
    name: { value: name },
    options: { value: (nearer: CallOptions) => callable(name, bound, { ...options, ...nearer }) },
    partial: { value: (...args: unknown[]) => callable(name, given(args), options) },
    [MADE]: { value: { name, bound, options } satisfies CallableParts },
    ...asValue(name, bound, options),
  });
  return comingTo<Task<A, R>>(call);
}

/** How the task is encoded. With lazy arguments given, it becomes a task value only when they are known. */
function asValue(name: string, bound: readonly unknown[], options: CallOptions | undefined): PropertyDescriptorMap {
  const refuse = () => {
    if (options === undefined) return;
    throw new NotEncodable(`call options belong to a call: pass the task ${name} without .options(), or call it`);
  };
  const reference: TaskReference = Object.freeze({ name, bound });
  const expression: Expression = Object.freeze({
    kind: 'op',
    name: 'partial',
    args: [{ [TASK]: { name, bound: [] } }, ...bound],
  });
  if (hasLazy(bound)) return { [EXPRESSION]: { get: () => refuse() ?? expression } };
  return { [TASK]: { get: () => refuse() ?? reference } };
}

/** Arguments as they are encoded: those of a task with declared parameters are read by its schema. */
function prepared(name: string, args: readonly unknown[]): readonly unknown[] {
  const params = definitionOf(name)?.params;
  return params ? [fillDefaults(name, params, args[0]), ...args.slice(1)] : args;
}

function partsOf(value: object): CallableParts | undefined {
  const { [MADE]: parts }: { readonly [MADE]?: CallableParts } = value;
  return parts;
}

/** A task and the options its calls should have, apart: a task as a value has none. */
export function splitOptions(task: unknown): { readonly task: unknown; readonly options: CallOptions | undefined } {
  const made = isObject(task) ? partsOf(task) : undefined;
  return made?.options
    ? { task: callable(made.name, made.bound), options: made.options }
    : { task, options: undefined };
}

/** How decoded tasks and expressions come back to authors. */
export const REVIVE: Revive = {
  task: ({ name, bound }) => callable(name, bound),
  expression: (expression): Lazy<unknown> => lazy(expression),
};
