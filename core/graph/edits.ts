import { last, valueAt } from '../values/present.ts';

/**
 * Every change of the live graph goes through here, so that a round which could not append its facts leaves the graph
 * exactly as it was, orders included: the warm graph is the fold of appended entries and nothing else. The graph's types
 * are read-only for everyone else.
 */
export class Edits {
  #undo: (() => void)[] | undefined;
  /** Of what something was taken out of, how it gets its order back: what comes back would else be the last. */
  readonly #orders = new Map<Map<unknown, unknown> | Set<unknown>, () => void>();

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
    for (const reorder of this.#orders.values()) reorder();
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
    const list = writableList(target);
    this.#undo?.push(() => list.pop());
    list.push(value);
  }

  /** Removes and returns the last element. */
  pop<T>(target: readonly T[]): T | undefined {
    const list = writableList(target);
    if (list.length === 0) return undefined;
    const value = last(list);
    list.pop();
    this.#undo?.push(() => list.push(value));
    return value;
  }

  put<K, V>(target: ReadonlyMap<K, V>, key: K, value: V): void {
    const map = writableMap(target);
    if (this.#undo) this.#undo.push(map.has(key) ? settingBack(map, key) : () => map.delete(key));
    map.set(key, value);
  }

  /**
   * `placeOf`: of a map whose entries always stand in the ascending order of a number. Of any other all keys are kept, once
   * between `begin` and the end: the cost follows its size.
   */
  drop<K, V>(target: ReadonlyMap<K, V>, key: K, placeOf?: (value: V) => number): void {
    const map = writableMap(target);
    if (!map.has(key)) return;
    if (this.#undo && !this.#orders.has(map)) {
      const keys = placeOf ? [] : [...map.keys()];
      this.#orders.set(map, () => (placeOf ? sort(map, placeOf) : reorder(map, keys)));
    }
    this.#undo?.push(settingBack(map, key));
    map.delete(key);
  }

  add<T>(target: ReadonlySet<T>, value: T): void {
    const set = writableSet(target);
    if (set.has(value)) return;
    this.#undo?.push(() => set.delete(value));
    set.add(value);
  }

  remove<T>(target: ReadonlySet<T>, value: T): void {
    const set = writableSet(target);
    if (!set.has(value)) return;
    if (this.#undo && !this.#orders.has(set)) {
      const members = [...set];
      this.#orders.set(set, () => reorderSet(set, members));
    }
    this.#undo?.push(() => set.add(value));
    set.delete(value);
  }
}

/** What is read-only for everyone else is written here. */
function writableList<T>(list: readonly T[]): T[] {
  return list as T[];
}

function writableMap<K, V>(map: ReadonlyMap<K, V>): Map<K, V> {
  return map as Map<K, V>;
}

function writableSet<T>(set: ReadonlySet<T>): Set<T> {
  return set as Set<T>;
}

/** Gives the key what it has now. */
function settingBack<K, V>(map: Map<K, V>, key: K): () => void {
  const before = valueAt(map, key);
  return () => map.set(key, before);
}

function sort<K, V>(map: Map<K, V>, placeOf: (value: V) => number): void {
  refill(
    map,
    [...map].sort(([, a], [, b]) => placeOf(a) - placeOf(b)),
  );
}

/** What is there in the order of the keys, which may name more. */
function reorder<K, V>(map: Map<K, V>, keys: readonly K[]): void {
  refill(
    map,
    keys.filter((key) => map.has(key)).map((key) => [key, valueAt(map, key)]),
  );
}

function refill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function reorderSet<T>(set: Set<T>, members: readonly T[]): void {
  const kept = members.filter((member) => set.has(member));
  set.clear();
  for (const member of kept) set.add(member);
}
