/** Defining tasks. */
import type * as valibot from 'valibot';
import { JOB_OPTIONS, type OptionFields, optionProblem } from '../values/options.ts';
import type { JobOptions } from '../values/program.ts';
import { callable } from './callable.ts';
import type { Params, ParamsArgument } from './params.ts';
import { register } from './registry.ts';
import type { CallOptions, Force, Lazy, Task } from './types.ts';

/** What a task declares beside its function. Options other than `image` (of scripts) are in no hash. */
export interface TaskOptions extends JobOptions {
  /** Stands for the function's source in the task's hash: the same version means the same results. */
  readonly version?: string;
  /** Helper functions and values the results depend on; their sources and values are in the task's hash. */
  readonly includes?: readonly unknown[];
  readonly description?: string;
}

/** A task that can be started from outside: it takes one record, which the schema describes. */
export interface ParamsOptions<S extends Params> extends TaskOptions {
  readonly params: S;
}

/** What a call of a task with declared parameters takes: a record, whose fields with a default may be left out. */
type WorkflowArguments<S extends Params> = ParamsArgument<S> | Lazy<valibot.InferOutput<S>>;

/** A task with declared parameters. */
export interface Workflow<S extends Params, R> extends Omit<Task<[params: valibot.InferOutput<S>], R>, 'options'> {
  (
    ...args: Record<never, never> extends ParamsArgument<S>
      ? [params?: WorkflowArguments<S>]
      : [params: WorkflowArguments<S>]
  ): Lazy<R>;
  options(options: CallOptions): Workflow<S, R>;
}

type AnyFunction = (...args: never[]) => unknown;

/**
 * Defines the task `name`, a full name such as 'bioinfo_batch.run_bwa'. Calling what it returns runs nothing: it gives a lazy value,
 * for whose sake a run calls `fn` with concrete arguments, once for equal ones. `fn` may return lazy values, at any depth.
 */
export function task<A extends unknown[], R>(name: string, fn: (...args: A) => R): Task<A, Force<R>>;
export function task<S extends Params, R>(
  name: string,
  options: ParamsOptions<S>,
  fn: (params: valibot.InferOutput<S>) => R,
): Workflow<S, Force<R>>;
export function task<A extends unknown[], R>(
  name: string,
  options: TaskOptions,
  fn: (...args: A) => R,
): Task<A, Force<R>>;
export function task(
  name: string,
  ...rest: readonly [fn: AnyFunction] | readonly [options: TaskOptions & { readonly params?: Params }, fn: AnyFunction]
): unknown {
  const [given, fn] = rest.length === 1 ? [{}, rest[0]] : rest;
  if (typeof fn !== 'function') throw new TypeError(`the task ${name} needs a function as its last argument`);
  checkOptions(name, given);
  const { version, includes, params, description, ...options } = given;
  register({
    name,
    fn,
    options,
    version,
    includes: includes ?? [],
    params,
    description,
    definedAt: new Error(name),
  });
  return callable(name);
}

/** What `register` and the declared parameters look at themselves. */
const anything = () => undefined;

const TASK_OPTIONS: OptionFields = {
  version: anything,
  includes: anything,
  params: anything,
  description: anything,
  ...JOB_OPTIONS,
};

function checkOptions(name: string, given: unknown): void {
  const problem = optionProblem(given, TASK_OPTIONS);
  if (problem !== undefined) throw new TypeError(`the task ${name}: ${problem}`);
}
