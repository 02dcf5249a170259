/**
 * Every change of the live graph goes through here, so that a round which could not append its facts leaves the graph
 * exactly as it was, orders included: the warm graph is the fold of appended entries and nothing else. The graph's types
 * are read-only for everyone else.
 */
export class Edits {
  #undo: (() => void)[] | undefined;
  /** Keys as they stood before the first one was taken out: an entry that comes back would else be the last. */
  readonly #orders = new Map<Map<unknown, unknown> | Set<unknown>, readonly unknown[]>();

  /** From now on changes can be taken back. Replaying a journal does without. */
  begin(): void {
    this.#undo = [];
    this.#orders.clear();
  }

  /** The changes since `begin` stay. */
  commit(): void {
    this.#undo = undefined;
    this.#orders.clear();
  }

  /** Takes every change since `begin` back, last first. */
  rollback(): void {
    const undo = this.#undo ?? [];
    this.#undo = undefined;
    for (let at = undo.length - 1; at >= 0; at--) undo[at]?.();
    for (const [target, keys] of this.#orders) reorder(target, keys);
    this.#orders.clear();
  }

  set<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): void {
    const before = target[key];
    if (before === value) return;
    if (this.#undo) {
      const had = key in target;
      this.#undo.push(() => {
        if (had) target[key] = before;
        else delete target[key];
      });
    }
    target[key] = value;
  }

  push<T>(target: readonly T[], value: T): void {
    const list = target as T[];
    this.#undo?.push(() => list.pop());
    list.push(value);
  }

  /** Removes and returns the last element. */
  pop<T>(target: readonly T[]): T | undefined {
    const list = target as T[];
    if (list.length === 0) return undefined;
    const value = list.pop() as T;
    this.#undo?.push(() => list.push(value));
    return value;
  }

  put<K, V>(target: ReadonlyMap<K, V>, key: K, value: V): void {
    const map = target as Map<K, V>;
    const had = map.has(key);
    const before = map.get(key) as V;
    this.#undo?.push(() => (had ? map.set(key, before) : map.delete(key)));
    map.set(key, value);
  }

  drop<K, V>(target: ReadonlyMap<K, V>, key: K): void {
    const map = target as Map<K, V>;
    if (!map.has(key)) return;
    const before = map.get(key) as V;
    this.#keepOrder(map);
    this.#undo?.push(() => map.set(key, before));
    map.delete(key);
  }

  add<T>(target: ReadonlySet<T>, value: T): void {
    const set = target as Set<T>;
    if (set.has(value)) return;
    this.#undo?.push(() => set.delete(value));
    set.add(value);
  }

  remove<T>(target: ReadonlySet<T>, value: T): void {
    const set = target as Set<T>;
    if (!set.has(value)) return;
    this.#keepOrder(set);
    this.#undo?.push(() => set.add(value));
    set.delete(value);
  }

  /** Once for each map and set between `begin` and the end. */
  #keepOrder(target: Map<unknown, unknown> | Set<unknown>): void {
    if (this.#undo && !this.#orders.has(target)) this.#orders.set(target, [...target.keys()]);
  }
}

/** Puts what is there in the order of the keys, which may name more. */
function reorder(target: Map<unknown, unknown> | Set<unknown>, keys: readonly unknown[]): void {
  const kept = keys.filter((key) => target.has(key));
  if (target instanceof Set) {
    target.clear();
    for (const key of kept) target.add(key);
    return;
  }
  const values = kept.map((key) => target.get(key));
  target.clear();
  for (const [at, key] of kept.entries()) target.set(key, values[at]);
}
