/**
 * The operators of the language, computed on tables. Each is strict, pure and total up to a readable Error. `get`, `eq`
 * and what only takes apart or puts together work on the table itself; the others decode, compute and encode.
 */
import { EXPRESSION, TASK } from './classes.ts';
import { decodeList, type Revive } from './decode.ts';
import { encode } from './encode.ts';
import { isKind, listIn, taskIn } from './nodes.ts';
import { get } from './operators-get.ts';
import { OPERATIONS } from './operators-pure.ts';
import { combine, hashesOf, type Index, rootOf, subtable, type Table } from './table.ts';

/** Tasks and quoted expressions pass through operators as they are. */
const OPAQUE: Revive = {
  task: (reference) => Object.assign(() => undefined, { [TASK]: reference }),
  expression: (expression) => Object.assign(() => undefined, { [EXPRESSION]: expression }),
};

type Operator = (operands: Table, places: readonly Index[]) => Table;

const STRUCTURAL: Readonly<Record<string, Operator>> = {
  get: (operands, [container, key]) => get(part(operands, container), part(operands, key)),
  eq: (operands, places) => [sameHash(operands, places)],
  ne: (operands, places) => [!sameHash(operands, places)],
  contains: (operands, [container, member]) => [contains(part(operands, container), part(operands, member))],
  partial: (operands, [task, ...given]) =>
    partial(
      part(operands, task),
      given.map((place) => part(operands, place)),
    ),
};

/** The names of all operators. */
export const OPERATOR_NAMES: readonly string[] = [...Object.keys(STRUCTURAL), ...Object.keys(OPERATIONS)].sort();

/** The value of an operator; `operands` is a list without references to large values. Throws a plain Error that says why not. */
export function applyOperator(name: string, operands: Table): Table {
  const places = listIn(rootOf(operands));
  if (!places) throw new TypeError(`${name}: operands must be a list`);
  const structural = Object.hasOwn(STRUCTURAL, name) ? STRUCTURAL[name] : undefined;
  if (structural) return structural(operands, places);
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (!operation) throw new TypeError(`there is no operator ${name}`);
  return encode(operation(...decodeList(operands, OPAQUE)));
}

const UNGIVEN: Table = [['undefined']];

function part(operands: Table, place: Index | undefined): Table {
  return place === undefined ? UNGIVEN : subtable(operands, place);
}

function sameHash(operands: Table, [a, b]: readonly Index[]): boolean {
  const hashes = hashesOf(operands);
  return a !== undefined && b !== undefined && hashes[a] === hashes[b];
}

/** Membership is equality of value hashes: in lists, sets, the keys of records and maps; in a string, being a part of it. */
function contains(container: Table, member: Table): boolean {
  const root = rootOf(container);
  if (typeof root === 'string') {
    const wanted = rootOf(member);
    if (typeof wanted !== 'string') throw new TypeError('contains: only a string can be contained in a string');
    return root.includes(wanted);
  }
  if (isKind(root, 'record')) return root[1].includes(String(rootOf(member)));
  if (isKind(root, 'list', 'set', 'map')) {
    const hashes = hashesOf(container);
    const wanted = hashesOf(member).at(-1);
    return root[1].some((index) => hashes[index] === wanted);
  }
  throw new TypeError('contains: the first operand must be a list, set, map, record or string');
}

function partial(task: Table, given: readonly Table[]): Table {
  const called = taskIn(rootOf(task));
  if (!called) throw new TypeError('partial: the first operand is not a task');
  const all = [...called.bound.map((index) => subtable(task, index)), ...given];
  return all.length === 0 ? task : combine(all, (roots) => ['task', called.name, roots]);
}
