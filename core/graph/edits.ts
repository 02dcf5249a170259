/**
 * Every change of the live graph goes through here, so that a round which could not append its facts leaves the graph
 * exactly as it was: the warm graph is the fold of appended entries and nothing else.
 */
export class Edits {
  #undo: (() => void)[] | undefined;

  /** From now on changes can be taken back. Replaying a journal does without. */
  begin(): void {
    this.#undo = [];
  }

  /** The changes since `begin` stay. */
  commit(): void {
    this.#undo = undefined;
  }

  /** Takes every change since `begin` back, last first. */
  rollback(): void {
    const undo = this.#undo ?? [];
    this.#undo = undefined;
    for (let at = undo.length - 1; at >= 0; at--) undo[at]?.();
  }

  set<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): void {
    const before = target[key];
    if (before === value) return;
    this.#undo?.push(() => {
      target[key] = before;
    });
    target[key] = value;
  }

  push<T>(target: T[], value: T): void {
    this.#undo?.push(() => target.pop());
    target.push(value);
  }

  /** Removes and returns the last element. */
  pop<T>(target: T[]): T | undefined {
    if (target.length === 0) return undefined;
    const value = target.pop() as T;
    this.#undo?.push(() => target.push(value));
    return value;
  }

  put<K, V>(target: Map<K, V>, key: K, value: V): void {
    const had = target.has(key);
    const before = target.get(key) as V;
    this.#undo?.push(() => (had ? target.set(key, before) : target.delete(key)));
    target.set(key, value);
  }

  drop<K, V>(target: Map<K, V>, key: K): void {
    if (!target.has(key)) return;
    const before = target.get(key) as V;
    this.#undo?.push(() => target.set(key, before));
    target.delete(key);
  }

  add<T>(target: Set<T>, value: T): void {
    if (target.has(value)) return;
    this.#undo?.push(() => target.delete(value));
    target.add(value);
  }

  remove<T>(target: Set<T>, value: T): void {
    if (!target.delete(value)) return;
    this.#undo?.push(() => target.add(value));
  }
}
