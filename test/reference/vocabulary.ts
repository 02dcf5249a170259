/**
 * The tasks random programs are made of, and how a program, which is plain data, becomes an expression. Every task is total
 * and deterministic, and errors are thrown without their stacks, so that whoever runs a task gets the same outcome.
 */
import {
  add,
  and,
  catchAll,
  catchError,
  concat,
  cond,
  constant,
  contains,
  context,
  entries,
  eq,
  flatMap,
  flatten,
  force,
  get,
  keys,
  len,
  lt,
  map,
  merge,
  mul,
  not,
  or,
  quote,
  seq,
  slice,
  sub,
  task,
  text,
  throwError,
  values,
  zip,
} from '../../core/index.ts';

/** A program. Inside a body, `arg` is one of its arguments; `var` is the nth value bound by the `let`s around it. */
export type Program =
  | null
  | boolean
  | number
  | string
  | readonly ['undefined']
  /** A text above the size that is held inline. */
  | readonly ['big', number]
  | readonly ['arg', number]
  | readonly ['var', number]
  | readonly ['let', Program, Program]
  | readonly ['list', readonly Program[]]
  | readonly ['record', Readonly<Record<string, Program>>]
  | readonly ['map', readonly (readonly [Program, Program])[]]
  | readonly ['set', readonly Program[]]
  | readonly ['error', string, string]
  | readonly ['quote', Program]
  /** A program as data, for a body to build. */
  | readonly ['code', Program]
  | readonly ['task', string, readonly Program[]]
  | readonly ['call', string, readonly Program[], Readonly<Record<string, Program>>?]
  | readonly ['op', string, readonly Program[]]
  | readonly ['form', string, readonly Program[]]
  /** A map whose calls have options. */
  | readonly ['each', string, Program, Readonly<Record<string, Program>>];

// biome-ignore lint/suspicious/noExplicitAny: programs are untyped on purpose: misuse is part of what is tested.
type Loose = (...args: any[]) => any;

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch' };

/** Any value as a small number. */
function small(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value % 1000 : 0;
}

/** As a size: small enough to recurse over. */
function size(value: unknown, most: number): number {
  return Math.abs(Math.trunc(small(value))) % (most + 1);
}

class Domain extends RangeError {}
const CLASSES: Readonly<Record<string, new (message: string) => Error>> = { Error, TypeError, RangeError, Domain };

export function errorOf(name: string, message: string): Error {
  return Object.assign(new (CLASSES[name] ?? Error)(message), { name, stack: undefined });
}

function failing(name: unknown, message: unknown): never {
  throw errorOf(String(name), String(message));
}

function ifOdd(value: unknown): unknown {
  return size(value, 998) % 2 === 1 ? failing('Domain', `odd ${small(value)}`) : value;
}

function shown(value: unknown): string {
  return value instanceof Error
    ? `<${value.name} ${value.message.slice(0, 99)} ${value.message.length}>`
    : typeof value;
}

const range: Loose = (n) => Array.from({ length: size(n, 5) }, (_, at) => at);
const times: Loose = (n) => small(n) * 10;
const plus: Loose = (a, b) => small(a) + small(b);
const body: Loose = (code: Program, ...args: unknown[]) => build(code, args);

export const TASKS: Readonly<Record<string, Loose>> = {
  inc: task('p.inc', v1, ((n) => small(n) + 1) as Loose),
  heavy: task('p.heavy', batch, times),
  plus: task('p.plus', v1, plus),
  plusHeavy: task('p.plus_heavy', batch, plus),
  sum: task('p.sum', v1, ((list) => (Array.isArray(list) ? list.reduce(plus, 0) : -1)) as Loose),
  pair: task('p.pair', v1, ((a, b) => [a, b]) as Loose),
  box: task('p.box', v1, ((a) => ({ a, list: [a, TASKS.inc?.(a)] })) as Loose),
  range: task('p.range', v1, range),
  rangeHeavy: task('p.range_heavy', batch, range),
  ifOdd: task('p.if_odd', v1, ifOdd),
  ifOddHeavy: task('p.if_odd_heavy', batch, ifOdd),
  fail: task('p.fail', v1, failing as Loose),
  failHeavy: task('p.fail_heavy', batch, failing as Loose),
  throwText: task('p.throw_text', v1, ((n) => {
    // biome-ignore lint/style/useThrowOnlyError: what a task does that throws something else is tested.
    throw `thrown ${small(n)}`;
  }) as Loose),
  big: task('p.big', v1, ((n) => bigText(small(n))) as Loose),
  bigHeavy: task('p.big_heavy', batch, ((n) => range(n).map(bigText)) as Loose),
  failBig: task('p.fail_big', v1, ((n) => failing('RangeError', bigText(small(n)))) as Loose),
  measure: task('p.measure', v1, ((value) => JSON.stringify(value)?.length ?? 0) as Loose),
  fib: task('p.fib', v1, ((n) =>
    size(n, 7) < 2 ? size(n, 7) : add(again('fib', size(n, 7) - 1), again('fib', size(n, 7) - 2))) as Loose),
  down: task('p.down', v1, ((n) => (size(n, 9) === 0 ? 'down' : again('down', size(n, 9) - 1))) as Loose),
  tree: task('p.tree', v1, ((n) =>
    size(n, 4) === 0 ? again('heavy', 1) : [again('tree', size(n, 4) - 1), again('heavy', n)]) as Loose),
  body: task('p.body', v1, body),
  bodyHeavy: task('p.body_heavy', batch, body),
  pick: task('p.pick', v1, ((n) => CHOICES[size(n, CHOICES.length - 1)]?.()) as Loose),
  twice: task('p.twice', v1, ((given, x) => (typeof given === 'function' ? given(given(x)) : 'no task')) as Loose),
  quoted: task('p.quoted', v1, ((n) => quote(again('ifOddHeavy', n))) as Loose),
  forced: task('p.forced', v1, ((quoted) => force(quoted)) as Loose),
  where: task('p.where', v1, ((path) => context(path === 'b' ? 'a.b' : 'a', 'nowhere')) as Loose),
  nothing: task('p.nothing', v1, (() => undefined) as Loose),
  unencodable: task('p.unencodable', v1, (() => [() => 0]) as Loose),
  show: task('p.show', v1, shown as Loose),
  showHeavy: task('p.show_heavy', batch, shown as Loose),
  rethrow: task('p.rethrow', v1, ((error) => throwError(error)) as Loose),
  rename: task('p.rename', v1, ((error) => failing('TypeError', `was ${shown(error)}`)) as Loose),
  instead: task('p.instead', v1, ((value, error) => [value, shown(error)]) as Loose),
  showAll: task('p.show_all', v1, ((terms) => Object.values(terms as object).map(shown)) as Loose),
  setting: task(
    'p.setting',
    v1,
    ((n) => [small(n), { b: small(n) }, bigText(1), { b: bigText(2) }][size(n, 3)]) as Loose,
  ),
  positive: task('p.positive', v1, ((n) => size(n, 7) + 1) as Loose),
};

/** A call of a task that may be defined further down, or be the task itself. */
function again(name: string, ...args: unknown[]): never {
  return TASKS[name]?.(...args) as never;
}

const CHOICES: readonly (() => unknown)[] = [
  () => TASKS.inc,
  () => TASKS.heavy,
  () => (TASKS.plus as never as { partial: Loose }).partial(3),
  () => (TASKS.pair as never as { partial: Loose }).partial(bigText(1)),
  () => TASKS.ifOdd,
  () => 'no task',
];

export function bigText(n: number): string {
  return `${n} `.repeat(700);
}

const OPERATORS = {
  add,
  and,
  concat,
  contains,
  entries,
  eq,
  flatten,
  get,
  keys,
  len,
  lt,
  merge,
  mul,
  not,
  or,
  slice,
  sub,
  values,
  zip,
  constant,
} as unknown as Readonly<Record<string, Loose>>;

const FORMS = {
  cond,
  seq: (...terms: unknown[]) => seq(terms),
  map,
  flatMap,
  catchError,
  catchAll,
  throwError,
  force,
  context,
} as unknown as Readonly<Record<string, Loose>>;

/** The expression a program stands for. */
export function build(program: Program, args: readonly unknown[] = [], vars: readonly unknown[] = []): unknown {
  const inner = (part: Program): unknown => build(part, args, vars);
  const record = (parts: Readonly<Record<string, Program>>) =>
    Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, inner(part)]));
  if (program === null || typeof program !== 'object') return program;
  switch (program[0]) {
    case 'undefined':
      return undefined;
    case 'big':
      return bigText(program[1]);
    case 'arg':
      return args[program[1] % 2];
    case 'var':
      return vars.length > 0 ? vars[program[1] % vars.length] : program[1];
    case 'let':
      return build(program[2], args, [...vars, inner(program[1])]);
    case 'list':
      return program[1].map(inner);
    case 'record':
      return record(program[1]);
    case 'map':
      return new Map(program[1].map(([key, value]) => [inner(key), inner(value)]));
    case 'set':
      return new Set(program[1].map(inner));
    case 'error':
      return errorOf(program[1], program[2]);
    case 'quote':
      return quote(inner(program[1]));
    case 'code':
      return program[1];
    case 'task':
      return partial(program[1], program[2].map(inner));
    case 'call':
      return withOptions(TASKS[program[1]] as Loose, program[3] && record(program[3]))(...program[2].map(inner));
    case 'op':
      if (program[1] === 'text') return text`<${inner(program[2][0] ?? null) as string}>`;
      return OPERATORS[program[1]]?.(...program[2].map(inner));
    case 'form':
      return FORMS[program[1]]?.(...program[2].map(inner));
    case 'each':
      return map(withOptions(TASKS[program[1]] as Loose, record(program[3])) as never, inner(program[2]) as never);
  }
}

function partial(name: string, bound: readonly unknown[]): unknown {
  const named = TASKS[name] as never as { partial: Loose };
  return bound.length > 0 ? named.partial(...bound) : named;
}

function withOptions(named: Loose, options: object | undefined): Loose {
  return options ? (named as never as { options: Loose }).options(options) : named;
}
