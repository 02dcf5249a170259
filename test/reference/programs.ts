/** Random programs: mostly well typed, so that they get somewhere, and now and then not. */
import fc from 'fast-check';
import type { Program } from './vocabulary.ts';

type Arbitrary = fc.Arbitrary<Program>;

interface Sorts {
  /** Any expression. */
  readonly any: Program;
  readonly num: Program;
  readonly list: Program;
  readonly bool: Program;
  readonly record: Program;
  /** An expression whose value is a task of one argument. */
  readonly task: Program;
  /** A task of an error. */
  readonly recovery: Program;
  readonly code: Program;
  /** Likely to fail, somewhere below. */
  readonly risk: Program;
}

export interface ProgramOptions {
  /** Whether calls may say `cache: false` or `cacheScope: 'none'`. */
  readonly uncached: boolean;
}

const DEPTH_MAX = 5;

function call(names: readonly string[], ...args: Arbitrary[]): Arbitrary {
  return fc.tuple(fc.constantFrom(...names), fc.tuple(...args)).map(([name, given]): Program => ['call', name, given]);
}

function op(names: readonly string[], ...args: Arbitrary[]): Arbitrary {
  return fc.tuple(fc.constantFrom(...names), fc.tuple(...args)).map(([name, given]): Program => ['op', name, given]);
}

function form(name: string, ...args: Arbitrary[]): Arbitrary {
  return fc.tuple(...args).map((given): Program => ['form', name, given]);
}

function listOf(part: Arbitrary, maxLength = 4): fc.Arbitrary<Program[]> {
  return fc.array(part, { maxLength });
}

const number: Arbitrary = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.constantFrom(0.5, -0, Number.NaN));
const names: Arbitrary = fc
  .subarray(['Error', 'TypeError', 'RangeError', 'Domain', 'TaskNotFound', 'NotEncodable'], {
    minLength: 1,
    maxLength: 2,
  })
  .map((all): Program => ['list', all]);
const error: Arbitrary = fc
  .tuple(fc.constantFrom('Error', 'TypeError', 'RangeError', 'Domain'), fc.constantFrom('a', 'b', 'c'))
  .map(([name, message]): Program => ['error', name, message]);
const place = fc.nat(3);
const reference: Arbitrary = fc.oneof(
  place.map((at): Program => ['arg', at]),
  place.map((at): Program => ['var', at]),
);
const unary = fc.constantFrom(
  'inc',
  'heavy',
  'ifOdd',
  'ifOddHeavy',
  'fib',
  'down',
  'range',
  'box',
  'measure',
  'quoted',
  'where',
);

export function programs({ uncached }: ProgramOptions): Arbitrary {
  const { any, risk } = fc.letrec<Sorts>((tie: fc.LetrecTypedTie<Sorts>) => {
    const any = tie('any');
    const num = tie('num');
    const list = tie('list');
    const sort = (...choices: (Arbitrary | { arbitrary: Arbitrary; weight: number })[]) =>
      fc.oneof(
        { maxDepth: DEPTH_MAX, depthSize: 'max', depthIdentifier: 'program', withCrossShrink: true },
        ...choices,
      );
    const optional = (part: Arbitrary) =>
      fc.oneof({ arbitrary: fc.constant<Program>(['undefined']), weight: 1 }, { arbitrary: part, weight: 2 });
    const options = optionsOf(num, uncached);
    return {
      any: sort(
        { arbitrary: num, weight: 10 },
        { arbitrary: list, weight: 7 },
        tie('bool'),
        { arbitrary: tie('record'), weight: 2 },
        tie('task'),
        reference,
        error,
        fc.constantFrom<Program>(null, 'text', ['undefined'], ['big', 1], ['big', 2]),
        quoteOf(any),
      ),
      num: sort(
        number,
        { arbitrary: reference, weight: 2 },
        { arbitrary: call(['inc', 'heavy', 'ifOdd', 'ifOddHeavy'], num), weight: 6 },
        { arbitrary: call(['plus', 'plusHeavy'], num, num), weight: 4 },
        call(['sum', 'measure'], list),
        call(
          ['fib', 'down', 'tree', 'big', 'bigHeavy', 'failBig', 'throwText', 'unencodable', 'nothing', 'where'],
          num,
        ),
        call(['fail', 'failHeavy'], fc.constantFrom('Error', 'TypeError', 'Domain'), fc.constantFrom('x', 'y', 'z')),
        call(['twice'], tie('task'), num),
        call(['forced'], quoteOf(any)),
        call(['rethrow', 'show', 'showHeavy'], any),
        { arbitrary: op(['add', 'sub', 'mul', 'lt', 'eq'], num, num), weight: 3 },
        op(['len', 'not', 'keys', 'text'], any),
        op(['get'], list, fc.constantFrom<Program>(0, 1, 'length')),
        op(['get'], tie('record'), fc.constantFrom<Program>('a', 'b', 'list')),
        op(['constant'], num, any),
        { arbitrary: form('cond', tie('bool'), num, any), weight: 2 },
        form('cond', tie('bool'), num, tie('bool'), any),
        form('cond', any, any),
        { arbitrary: form('catchError', tie('risk'), names, tie('recovery')), weight: 6 },
        form('catchError', tie('risk'), names, tie('recovery'), names, tie('recovery')),
        form('throwError', any),
        form('force', quoteOf(any)),
        form('force', any),
        form('context', fc.constantFrom('a', 'a.b', 'a.c', 'missing'), any),
        { arbitrary: letOf(any, num), weight: 2 },
        { arbitrary: bodyOf(any, tie('code')), weight: 3 },
        callWith(['inc', 'heavy', 'where', 'ifOddHeavy'], num, options),
        callWith(['body', 'bodyHeavy'], tie('code'), options),
      ),
      list: sort(
        listOf(number).map((all): Program => ['list', all]),
        { arbitrary: listOf(any).map((all): Program => ['list', all]), weight: 4 },
        call(['range', 'rangeHeavy', 'tree', 'bigHeavy'], num),
        call(['pair'], any, any),
        { arbitrary: form('map', tie('task'), list), weight: 4 },
        form('flatMap', fc.constantFrom<Program>(['task', 'range', []], ['task', 'rangeHeavy', []]), list),
        form('flatMap', tie('task'), list),
        fc.tuple(unary, list, options).map(([name, over, given]): Program => ['each', name, over, given]),
        { arbitrary: listOf(any).map((all): Program => ['form', 'seq', all]), weight: 2 },
        form(
          'catchAll',
          listOf(tie('risk')).map((all): Program => ['list', all]),
        ),
        form(
          'catchAll',
          listOf(tie('risk')).map((all): Program => ['list', all]),
          names,
          optional(tie('recovery')),
        ),
        form('catchAll', tie('record'), names, tie('recovery')),
        op(['zip', 'concat'], list, list),
        op(['slice'], list, fc.constantFrom(0, 1), fc.constantFrom(1, 2)),
        op(['flatten', 'values', 'entries'], list),
        letOf(any, list),
      ),
      bool: sort(fc.boolean(), op(['lt', 'eq', 'and', 'or'], num, num), op(['not'], any), op(['contains'], list, num)),
      record: sort(
        fc.record({ a: any, b: any }, { requiredKeys: [] }).map((parts): Program => ['record', parts]),
        fc.record({ list, a: num }).map((parts): Program => ['record', parts]),
        call(['box'], any),
        op(['merge'], tie('record'), tie('record')),
        fc.array(fc.tuple(any, num), { maxLength: 3 }).map((pairs): Program => ['map', pairs]),
        listOf(any, 3).map((members): Program => ['set', members]),
      ),
      task: sort(
        { arbitrary: unary.map((name): Program => ['task', name, []]), weight: 3 },
        num.map((bound): Program => ['task', 'plus', [bound]]),
        any.map((bound): Program => ['task', 'pair', [bound]]),
        tie('code').map((code): Program => ['task', 'body', [code]]),
        call(['pick'], num),
      ),
      recovery: sort(
        { arbitrary: fc.constantFrom<Program>(['task', 'show', []], ['task', 'showHeavy', []]), weight: 3 },
        fc.constantFrom<Program>(
          ['task', 'rethrow', []],
          ['task', 'rename', []],
          ['task', 'showAll', []],
          ['task', 'pair', []],
        ),
        any.map((bound): Program => ['task', 'instead', [bound]]),
        tie('code').map((code): Program => ['task', 'body', [code]]),
        tie('task'),
      ),
      risk: sort(
        {
          arbitrary: call(
            ['fail', 'failHeavy'],
            fc.constantFrom('Error', 'TypeError', 'Domain'),
            fc.constantFrom('x', 'y', 'z'),
          ),
          weight: 4,
        },
        { arbitrary: call(['ifOdd', 'ifOddHeavy'], num), weight: 4 },
        fc.tuple(any, tie('risk'), any).map((all): Program => ['list', all]),
        fc.tuple(any, tie('risk'), tie('risk')).map((all): Program => ['form', 'seq', all]),
        form('map', fc.constantFrom<Program>(['task', 'ifOdd', []], ['task', 'ifOddHeavy', []]), list),
        call(['plus', 'plusHeavy', 'pair'], tie('risk'), any),
        call(['plus', 'plusHeavy', 'pair'], any, tie('risk')),
        bodyOf(
          any,
          tie('risk').map((risk): Program => ['code', risk]),
        ),
        letOf(tie('risk'), any),
        form('throwError', any),
        any,
      ),
      code: any.map((program): Program => ['code', program]),
    };
  });
  // An error that is caught must be the reference's to the letter, one that ends the run only one of several.
  const caught = risk.map(
    (inner): Program => ['form', 'catchError', [inner, ['list', ['Error']], ['task', 'show', []]]],
  );
  const both = fc.tuple(any, risk).map((all): Program => ['form', 'catchAll', [['list', all]]]);
  return fc.oneof(
    { withCrossShrink: true },
    { arbitrary: any, weight: 2 },
    risk,
    { arbitrary: caught, weight: 2 },
    both,
  );
}

function quoteOf(any: Arbitrary): Arbitrary {
  return any.map((held): Program => ['quote', held]);
}

function letOf(any: Arbitrary, inner: Arbitrary): Arbitrary {
  return fc.tuple(any, inner).map(([bound, within]): Program => ['let', bound, within]);
}

function bodyOf(any: Arbitrary, code: Arbitrary): Arbitrary {
  const args = fc.array(any, { maxLength: 2 });
  return fc
    .tuple(fc.constantFrom('body', 'body', 'bodyHeavy'), code, args)
    .map(([name, program, given]): Program => ['call', name, [program, ...given]]);
}

function callWith(tasks: readonly string[], arg: Arbitrary, options: fc.Arbitrary<Record<string, Program>>): Arbitrary {
  return fc
    .tuple(fc.constantFrom(...tasks), arg, options)
    .map(([name, given, withOptions]): Program => ['call', name, [given], withOptions]);
}

/** Options with lazy values. */
function optionsOf(num: Arbitrary, uncached: boolean): fc.Arbitrary<Record<string, Program>> {
  const parts: Record<string, Arbitrary> = {
    memory: call(['positive'], num),
    executor: fc.oneof(
      fc.constantFrom('inline', 'batch'),
      form('cond', num, fc.constant<Program>('batch'), fc.constant<Program>('inline')),
    ),
    limits: fc.constant<Program>(['record', { one: 1 }]),
    minArraySize: fc.constant<Program>(5),
    context: fc.oneof(
      fc.constantFrom<Program>(['record', { a: ['record', { b: 1 }] }], ['record', { a: ['big', 1] }]),
      call(['setting'], num).map((setting): Program => ['record', { a: setting }]),
    ),
  };
  if (uncached) {
    parts.cache = fc.constantFrom(true, false);
    parts.cacheScope = fc.constantFrom<Program>('any', 'none');
  }
  return fc.record(parts, { requiredKeys: [] }) as fc.Arbitrary<Record<string, Program>>;
}
