/**
 * Lazy values: proxies that stand for an expression. Reading a property or an element gives another lazy value; what
 * would need the value itself throws at once and says what to write instead.
 */
import { EXPRESSION, type Expression, expressionOf } from '../values/classes.ts';
import type { FormName, FormTerms } from '../values/forms.ts';
import { isObject } from '../values/guards.ts';
import { comingTo } from './phantom.ts';
import type { Lazy } from './types.ts';

/** Destructuring takes as many elements as there are names; loops and spreads run into this and fail. */
const DESTRUCTURED_MAX = 32;

/** The template tag, as advice shows it. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the author should write.
const TEXT = 'text`… ${value} …`';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** An expression as a lazy value. */
export function lazy<T>(expression: Expression): Lazy<T> {
  const target = Object.assign(() => undefined, {
    [EXPRESSION]: Object.freeze(expression),
    [INSPECT]: () => `Lazy(${expression.kind} ${expression.name})`,
  });
  return comingTo<Lazy<T>>(new Proxy(target, HANDLER));
}

export function isLazy(value: unknown): value is Lazy<unknown> {
  return isObject(value) && expressionOf(value) !== undefined;
}

/** An operator applied to values and expressions. */
export function apply<T>(name: string, ...args: readonly unknown[]): Lazy<T> {
  return lazy<T>({ kind: 'op', name, args });
}

/** A control form with its terms. */
export function form<T, K extends FormName = FormName>(name: K, ...args: FormTerms[K]): Lazy<T> {
  return lazy<T>({ kind: 'form', name, args });
}

type LazyTarget = { readonly [EXPRESSION]: Expression };

const HANDLER: ProxyHandler<LazyTarget & (() => undefined)> = {
  get: (target, key, self) => (typeof key === 'symbol' ? symbolOf(target, key, self) : property(self, key)),
  apply: (target, _this, args) => callLazily(target[EXPRESSION], args),
  has: (target, key) => {
    if (key === EXPRESSION) return key in target;
    throw misuse('whether a lazy value has a property is not known yet', 'contains(keys(value), name)');
  },
  ownKeys: () => {
    throw misuse(
      'the keys of a lazy value are not known yet',
      'merge(a, b) instead of {...a}, keys(value) instead of Object.keys',
    );
  },
  set: () => {
    throw misuse('a lazy value cannot be changed', 'merge(value, { name: … })');
  },
  deleteProperty: () => {
    throw misuse('a lazy value cannot be changed', 'a task that returns what should be left');
  },
  defineProperty: () => {
    throw misuse('a lazy value cannot be changed', 'merge(value, { name: … })');
  },
};

function misuse(problem: string, instead: string): TypeError {
  return new TypeError(`${problem}: write ${instead}, or do it in the body of a task that takes the value`);
}

function symbolOf(target: LazyTarget, key: symbol, self: unknown): unknown {
  if (key === EXPRESSION) return target[EXPRESSION];
  if (key === Symbol.iterator) return () => elements(self);
  if (key === Symbol.toPrimitive) {
    return () => {
      throw misuse('a lazy value has no text or number yet', `${TEXT}, concat(a, b), add(a, b) or eq(a, b)`);
    };
  }
  if (key === Symbol.asyncIterator) {
    return () => {
      throw misuse('the length of a lazy value is not known yet', 'map(task, list)');
    };
  }
  return undefined;
}

function property(self: unknown, key: string): unknown {
  switch (key) {
    case 'then':
    case 'constructor':
      return undefined;
    case 'toJSON':
      return () => {
        throw misuse('a lazy value has no JSON yet', TEXT);
      };
    case 'stage':
      return (name?: unknown, options?: { readonly copy?: boolean }) =>
        apply('stage', self, name, options?.copy ? 'copy' : 'link');
    case 'options':
      return () => {
        throw misuse(
          'options cannot be given to a task that is not known yet',
          'task.options({ … }) where the task is named',
        );
      };
    default:
      return apply('get', self, elementIndex(key) ?? key);
  }
}

/** `value[0]` reaches a proxy as '0'; get(value, 0) is the same expression. */
function elementIndex(key: string): number | undefined {
  return /^(0|[1-9]\d{0,14})$/.test(key) ? Number(key) : undefined;
}

/** A call of a task that is itself not known before the run has come to it. */
function callLazily(task: Expression, args: readonly unknown[]): Lazy<unknown> {
  const method = task.kind === 'op' && task.name === 'get' ? task.args[1] : undefined;
  if (
    typeof method === 'string' &&
    [[], '', 0].some((value) => typeof Reflect.get(new Object(value), method) === 'function')
  ) {
    throw misuse(
      `a lazy value has no .${method}() yet`,
      ADVICE[method] ?? 'an operator such as get, concat, slice, join, len',
    );
  }
  return form('apply', lazy(task), ...args);
}

const ADVICE: Readonly<Record<string, string>> = {
  map: 'map(task, list)',
  forEach: 'map(task, list)',
  flatMap: 'flatMap(task, list)',
  toString: TEXT,
  join: 'join(list, separator)',
  slice: 'slice(list, start, end)',
  concat: 'concat(a, b)',
  includes: 'contains(list, value)',
  keys: 'keys(value)',
  values: 'values(value)',
  entries: 'entries(value)',
};

function* elements(self: unknown): Generator<unknown> {
  for (let index = 0; index < DESTRUCTURED_MAX; index++) yield apply('get', self, index);
  throw misuse(
    'a lazy list can be taken apart by position but not iterated: its length is not known yet',
    'map(task, list) instead of a loop, join(list, separator), len(list), concat(a, b) instead of [...a, ...b]',
  );
}
