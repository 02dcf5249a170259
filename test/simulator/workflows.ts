/** Small workflows, each a shape of its own, with the value it has whatever goes wrong around it. */
import {
  add,
  catchAll,
  catchError,
  cond,
  context,
  type File,
  file,
  flatMap,
  lt,
  map,
  seq,
  task,
  throwError,
} from '../../core/index.ts';

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch', memory: 1 };

/** Without its stack, which names the tests' own frames, an error is the same whoever runs the task. */
function failing(message: string): never {
  throw Object.assign(new Error(message), { stack: undefined });
}

/** What a task that is repaired between two tries of a run looks at. */
export const machine = { isRepaired: false };

// biome-ignore lint/suspicious/noExplicitAny: a corpus of shapes, whose values are checked when they are run.
type Loose = any;

const inc = task('s.inc', v1, (n: number) => n + 1);
const heavy = task('s.heavy', batch, (n: number) => n * 10);
const plus = task('s.plus', batch, (a: number, b: number) => a + b);
const range = task('s.range', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
const sum = task('s.sum', v1, (all: number[]) => all.reduce((a, b) => a + b, 0));
const fragile = task('s.fragile', batch, (n: number): number => (n % 3 === 0 ? failing(`no ${n}`) : n));
const zero = task('s.zero', v1, (_error: Error) => 0);
const guarded = task('s.guarded', v1, (n: number) => catchError(fragile(n), 'Error', zero));
const tree = task('s.tree', v1, (n: number): Loose => (n === 0 ? heavy(1) : add(tree(n - 1), heavy(n))));
const fib = task('s.fib', v1, (n: number): Loose => (n < 2 ? n : add(fib(n - 1), fib(n - 2))));
const pairs = task('s.pairs', v1, (n: number): Loose => [heavy(n), { twice: heavy(n + 1), same: heavy(n) }]);
const limited = task('s.limited', { ...batch, limits: { one: 1 } }, (n: number) => n + 100);
const big = task('s.big', batch, (n: number) => `${n} `.repeat(800));
const measure = task('s.measure', batch, (text: string) => text.length);
const expand = task('s.expand', batch, (n: number): Loose => map(heavy, range(n)));
const instead = task('s.instead', v1, (_error: Error): Loose => limited(1));
const where = task('s.where', { ...batch, cache: false }, () => context('place', 'nowhere'));
const broken = task('s.broken', batch, (n: number): number => (machine.isRepaired ? n : failing('broken')));
const caught = task('s.caught', v1, (_terms: unknown) => 'caught');
const read = task('s.read', batch, (input: File) => input.location);
const link = task('s.link', batch, (n: number): Loose => (n === 0 ? 'end' : link(n - 1)));

function whereIn(place: string): Loose {
  return where.options({ context: { place } } as Loose)();
}

/** What is said of a file that could not be looked at. */
export function unseenMessage(location: string): string {
  return `${location} cannot be reached: nobody answers`;
}

export interface Workflow {
  readonly name: string;
  readonly expression: () => unknown;
  /** Its value; or the message of its error. */
  readonly value?: unknown;
  readonly error?: string;
  /** What it may come to as well, where a file could not be looked at. */
  readonly unseen?: { readonly value?: unknown; readonly error?: string };
  readonly failure?: 'drain' | 'cancel';
  readonly cache?: boolean;
  /** A second run of it takes place at the same time. */
  readonly runs?: number;
  /** Its value once it was repaired and tried again. */
  readonly repaired?: unknown;
}

/** The smallest first. */
export const WORKFLOWS: readonly Workflow[] = [
  { name: 'single', expression: () => heavy(1), value: 10 },
  { name: 'inline', expression: () => fib(4), value: 3 },
  { name: 'chain', expression: () => inc(heavy(inc(heavy(1) as Loose) as Loose) as Loose), value: 111 },
  { name: 'catch', expression: () => catchError(fragile(3), 'Error', zero), value: 0 },
  { name: 'failing', expression: () => [heavy(1), fragile(3)], error: 'no 3' },
  { name: 'array', expression: () => [heavy(1), heavy(2), heavy(3)], value: [10, 20, 30] },
  {
    name: 'diamond',
    expression: () => add(plus(heavy(1), heavy(2)) as Loose, plus(heavy(2), heavy(1)) as Loose),
    value: 60,
  },
  { name: 'fan-out', expression: () => sum(map(heavy, range(5))), value: 100 },
  { name: 'recursion', expression: () => tree(3), value: 70 },
  { name: 'array with failing children', expression: () => sum(map(guarded, range(6))), value: 12 },
  { name: 'expression from a job', expression: () => flatMap(expand, [1, 3]), value: [0, 0, 10, 20] },
  {
    name: 'seq',
    expression: () => seq([heavy(1), heavy.options({ memory: 2 })(2), inc(1), heavy(3)]),
    value: [10, 20, 2, 30],
  },
  {
    name: 'nested lists',
    expression: () => ({ a: [pairs(1), [heavy(1)]], b: pairs(2) }),
    value: { a: [[10, { same: 10, twice: 20 }], [10]], b: [20, { same: 20, twice: 30 }] },
  },
  { name: 'choice', expression: () => cond(lt(heavy(1) as Loose, 5), heavy(2), heavy(3)), value: 30 },
  { name: 'limits', expression: () => map(limited, [1, 2, 3]), value: [101, 102, 103] },
  {
    name: 'catch all',
    expression: () => catchAll([fragile(3), heavy(1), throwError('x')] as Loose, 'Error' as Loose, caught),
    value: 'caught',
  },
  {
    name: 'again after a failure',
    expression: () => catchError([fragile(3), limited(1), limited(2)] as Loose, 'Error', instead),
    value: 101,
  },
  {
    name: 'large values',
    expression: () => add(measure(big(1) as Loose) as Loose, measure(big(2) as Loose) as Loose),
    value: 3200,
  },
  { name: 'two runs', expression: () => plus(heavy(1) as Loose, inc(heavy(2) as Loose) as Loose), value: 31, runs: 2 },
  { name: 'contexts at once', expression: () => [whereIn('a'), whereIn('b')], value: ['a', 'b'], cache: false },
  {
    name: 'contexts in turn',
    expression: () => seq([whereIn('a'), whereIn('b'), whereIn('a')]),
    value: ['a', 'b', 'a'],
    cache: false,
  },
  {
    name: 'failing, the rest cancelled',
    expression: () => [map(heavy, range(4)), fragile(0), heavy(9)],
    error: 'no 0',
    failure: 'cancel',
  },
  {
    name: 'broken, then repaired',
    expression: () => [heavy(1), plus(heavy(2), broken(5))],
    error: 'broken',
    repaired: [10, 25],
  },
  {
    name: 'files',
    expression: () => [heavy(1), read(file('in/a')), inc(1)],
    value: [10, 'in/a', 2],
    unseen: { error: unseenMessage('in/a') },
  },
  {
    name: 'files, and what is caught of them',
    expression: () => [heavy(1), catchError(read(file('in/b')) as Loose, 'NetworkError', zero), heavy(2)],
    value: [10, 'in/b', 20],
    unseen: { value: [10, 0, 20] },
  },
  { name: 'long', expression: () => link(34), value: 'end' },
];

export function workflowOf(name: string): Workflow {
  const workflow = WORKFLOWS.find((one) => one.name === name);
  if (!workflow) throw new Error(`there is no workflow ${name}`);
  return workflow;
}
