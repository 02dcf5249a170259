/** Tables to JavaScript values. */
import { Dir, type Expression, File, Place, Quote, STDOUT, Staging, type TaskReference } from './classes.ts';
import { reviveError } from './errors.ts';
import { isObject, isRecord } from './guards.ts';
import { isScalar } from './nodes.ts';
import type { Index, NodeOf, Table } from './table.ts';
import { mapChildren } from './table.ts';

/** How tasks and expressions, which need the language, come back. */
export interface Revive {
  task(reference: TaskReference): unknown;
  expression(expression: Expression): unknown;
}

/**
 * The value a table stands for; shared parts are shared objects. Large values must have been put back before.
 * Throws where the table holds a reference, or a task or expression that `revive` does not know.
 */
export function decode(table: Table, revive: Revive): unknown {
  const values: unknown[] = [];
  for (const node of table)
    values.push(
      valueFrom(
        mapChildren<Index, unknown>(node, (child) => values[child]),
        revive,
      ),
    );
  return values.at(-1);
}

/** The members of the list that a table stands for, each as `decode` gives it. */
export function decodeList(table: Table, revive: Revive): unknown[] {
  const value = decode(table, revive);
  if (!Array.isArray(value)) throw new TypeError('the value is not a list');
  return value;
}

function valueFrom(node: NodeOf<unknown>, revive: Revive): unknown {
  if (isScalar(node)) return node;
  switch (node[0]) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(node[1]);
    case 'bigint':
      return BigInt(node[1]);
    case 'date':
      return new Date(node[1] ?? Number.NaN);
    case 'bytes':
      return new Uint8Array(Buffer.from(node[1], 'base64'));
    case 'list':
      return [...node[1]];
    case 'record':
      return recordOf(node[1], node[2]);
    case 'map':
      return new Map(node[1].map((key, at) => [key, node[2][at]]));
    case 'set':
      return new Set(node[1]);
    case 'file':
      return new File(node[1], node[2] ?? undefined);
    case 'dir':
      return new Dir(node[1], node[2] ?? undefined);
    case 'stage':
      return new Staging(staged(node[1]), node[2], node[3]);
    case 'place':
      return new Place(node[1], node[2], node[3] ?? undefined);
    case 'stdout':
      return STDOUT;
    case 'task':
      return revive.task({ name: node[1], bound: node[2] });
    case 'error':
      return reviveError(node[1], node[2], node[3], isRecord(node[4]) ? node[4] : {});
    case 'quote':
      return new Quote(node[1]);
    case 'ref':
      throw new Error(`the large value ${node[1]} was not loaded`);
    case 'call':
      return revive.expression({
        kind: 'call',
        name: node[1],
        args: node[2],
        options: isObject(node[3]) ? node[3] : undefined,
      });
    case 'op':
    case 'form':
      return revive.expression({ kind: node[0], name: node[1], args: node[2] });
  }
}

function staged(source: unknown): File | Dir {
  if (source instanceof File || source instanceof Dir) return source;
  throw new TypeError('what is staged is a file or a directory');
}

/** Own properties only, so that a key named `__proto__` is a key like any other. */
function recordOf(keys: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  keys.forEach((key, at) => {
    Object.defineProperty(record, key, { value: values[at], enumerable: true, writable: true, configurable: true });
  });
  return record;
}
