/** The code of some tasks changes: their hashes are others from then on. */
import { digest } from '../../core/values/hash.ts';
import type { MemoryWorld } from './memory-world.ts';

/** The world as it is after the tasks were edited; `changes` has what stands for each one's new source. */
export function withCode(world: MemoryWorld, changes: Readonly<Record<string, string>>): MemoryWorld {
  const program: MemoryWorld['host']['program'] = async (bundle) => {
    const made = await world.host.program(bundle);
    const tasks = Object.entries(made.tasks).map(([name, info]) => [
      name,
      changes[name] === undefined ? info : { ...info, hash: digest('task', changes[name]) },
    ]);
    return { ...made, tasks: Object.fromEntries(tasks) };
  };
  return { ...world, host: { ...world.host, program } };
}
