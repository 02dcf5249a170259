/** All executors of a world, each changed. */
import type { Executor } from '../../core/engine/executor.ts';
import type { Executors } from '../../core/engine/executors.ts';

export function eachExecutor(executors: Executors, change: (executor: Executor) => Executor): Executors {
  return Object.fromEntries(Object.entries(executors).map(([kind, executor]) => [kind, change(executor)]));
}
