/** Processes that die, or come second. */
import type { World } from '../../core/engine/ports.ts';
import { warmGraphs } from '../../core/engine/warm.ts';

export const died = new Error('the process died');

/** The world of a process that dies at a call. */
export function dyingAt<P extends 'bus' | 'journal' | 'summaries'>(
  world: World,
  port: P,
  method: keyof World[P],
  after = false,
): World {
  const die = async (...args: unknown[]) => {
    if (after) await (world[port][method] as (...args: unknown[]) => Promise<unknown>)(...args);
    throw died;
  };
  return { ...world, warm: warmGraphs(1), [port]: { ...(world[port] as object), [method]: die } };
}

/** The world of a process that dies at one of its calls, whatever that is. */
export function dyingAtCall(world: World, at: number, after: boolean): World {
  let calls = 0;
  const wrapped = <P extends object>(port: P): P =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const isLast = calls++ === at;
          if (isLast && !after) throw died;
          const answer: unknown = await value(...args);
          if (isLast) throw died;
          return answer;
        };
      },
    });
  const { journal, summaries, cache, attempts, objects, bus } = world;
  const ports = { journal, summaries, cache, attempts, objects, bus };
  const dying = Object.entries(ports).map(([name, port]) => [name, wrapped<object>(port)]);
  const executors = Object.fromEntries(Object.entries(world.executors).map(([kind, one]) => [kind, wrapped(one)]));
  return { ...world, warm: warmGraphs(1), executors, ...Object.fromEntries(dying) };
}

/** An append before which, the first time, somebody else does something. */
export function racedBy(act: () => Promise<unknown>, { journal }: World): World['journal']['append'] {
  let isFirst = true;
  return async (entry) => {
    if (isFirst) {
      isFirst = false;
      await act();
    }
    return journal.append(entry);
  };
}
