/** The Host without process, thread, time limit or files: for simulations and for tests of everything above it. */

import type { Host, TaskResult } from '../../core/engine/ports.ts';
import type { BundleModule } from '../../core/library/entry.ts';
import type { Hash } from '../../core/values/ids.ts';
import type { Table } from '../../core/values/table.ts';

export function inProcessHost(module: BundleModule, bundle: Hash): Host {
  const attempt = async (work: () => Table | Promise<Table>): Promise<TaskResult> => {
    try {
      return { ok: true, table: await work() };
    } catch (thrown) {
      return { ok: false, error: module.encodeError(thrown) };
    }
  };
  return {
    program: () => Promise.resolve({ ...module.program(), bundle }),
    root: (_, workflow, args) => attempt(() => module.root(workflow, args)),
    run: (_, task, args) => attempt(() => module.invoke(task, args)),
  };
}
