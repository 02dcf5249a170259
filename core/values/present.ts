/**
 * What must be there by the order of things, and the compiler cannot see it: an index that a table's rules keep within
 * bounds, the last of a list that is not empty. When it is not there after all, that is a defect, and it ends here.
 */

/** The element at an index that is within the list. Throws RangeError when it is not. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined && !(index in list)) throw new RangeError(`there is no element ${index} of ${list.length}`);
  return element as T;
}

/** The last element of a list that has one. Throws RangeError when it is empty. */
export function last<T>(list: ArrayLike<T>): T {
  return at(list, list.length - 1);
}

/** The value, which is there. Throws when it is not: `what` it is is in the message. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}

/** The value of a key that is in the map. Throws when it is not. */
export function valueAt<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined && !map.has(key)) throw new Error(`there is no entry ${String(key)}`);
  return value as V;
}
