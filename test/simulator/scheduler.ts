/**
 * Virtual time. Everything that happens is an action at a time; between two actions every promise that can go on has gone
 * on, so one seed is one history. No clock, no timer.
 */

interface Action {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export interface Scheduler {
  /** ms since the simulation began. */
  now(): number;
  /** Does it at the time, or as soon as possible when that is past. */
  at(time: number, act: () => void): void;
  after(delayMs: number, act: () => void): void;
  /** Goes on until `isDone`, asked before each action, or until nothing is left. */
  run(isDone: () => boolean): Promise<void>;
}

export function scheduler(): Scheduler {
  const heap: Action[] = [];
  let now = 0;
  let order = 0;

  function isBefore(a: Action, b: Action): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  function push(action: Action): void {
    let at = heap.length;
    heap.push(action);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(action, heap[parent] as Action)) break;
      heap[at] = heap[parent] as Action;
      at = parent;
    }
    heap[at] = action;
  }

  function pop(): Action | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Action, heap[child] as Action)) child++;
      if (!isBefore(heap[child] as Action, last)) break;
      heap[at] = heap[child] as Action;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  const at = (time: number, act: () => void) => push({ at: Math.max(time, now), order: order++, act });
  return {
    now: () => now,
    at,
    after: (delayMs, act) => at(now + delayMs, act),
    async run(isDone) {
      // Once in a history others in this process have their turn.
      await new Promise((resolve) => setImmediate(resolve));
      while (!isDone()) {
        const action = pop();
        if (!action) return;
        now = action.at;
        action.act();
        await settled();
      }
    },
  };
}

/** Every promise that can go on has gone on: Node empties their queue before it takes the next tick. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
