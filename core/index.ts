/** The authors' API: everything a workflow or redex.config.ts imports. */
export type { InferInput, InferOutput } from 'valibot';
export { type Config, defineConfig, type ProfileSettings, type Settings } from './language/config.ts';
export { dir, file, type StdoutFile } from './language/files.ts';
export { catchAll, catchError, cond, context, flatMap, force, map, quote, seq, throwError } from './language/forms.ts';
export { isLazy } from './language/lazy.ts';
export {
  add,
  and,
  concat,
  contains,
  div,
  entries,
  eq,
  flatten,
  ge,
  get,
  gt,
  join,
  keys,
  le,
  len,
  lt,
  merge,
  mod,
  mul,
  ne,
  neg,
  not,
  or,
  pow,
  record,
  slice,
  sub,
  text,
  values,
  zip,
} from './language/operators.ts';
export { BadArguments, dirParam, fileParam, v } from './language/params.ts';
export { type ScriptOptions, type ScriptResult, script } from './language/script.ts';
export { raw, sh } from './language/sh.ts';
export { type ParamsOptions, type TaskOptions, task, type Workflow } from './language/task.ts';
export type { CallOptions, Force, Lazy, Lift, Quoted, Task } from './language/types.ts';
export { type CopyOptions, constant, copyDir, copyFile, glob, identity } from './library/tasks.ts';
export { Dir, File, Staging } from './values/classes.ts';
export type { ErrorName } from './values/errors.ts';
export type { ExecutorConfig, ExecutorKind, JobOptions } from './values/program.ts';
