import { describe, expect, it } from 'vitest';
import { add, BadArguments, type Config, defineConfig, file, task, v } from '../../core/index.ts';
import { REVIVE } from '../../core/language/callable.ts';
import { makeBundle, TaskNotFound } from '../../core/library/entry.ts';
import { decode } from '../../core/values/decode.ts';
import { encode, NotEncodable } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import { hashOf, rootOf, type Table } from '../../core/values/table.ts';

/** What the bundler does to the functions of each file. */
function sourced<F extends object>(fn: F, text: string): F {
  const key = Symbol.for('redex.sources');
  const kept = globalThis as { [key]?: WeakMap<object, unknown> };
  kept[key] ??= new WeakMap();
  kept[key].set(fn, { text, reach: '', helpers: {}, captured: [] });
  return fn;
}

const helper = sourced((n: number) => n + 1, 'n => n + 1');
const add1 = task(
  'bundle.add1',
  { includes: [helper, { k: 1 }] },
  sourced((n: number) => helper(n), 'n => helper(n)'),
);
task(
  'bundle.main',
  {
    version: '3',
    description: 'Counts reads.',
    memory: 8,
    params: v.object({
      samples: v.file(),
      out: v.dir(),
      platform: v.optional(v.picklist(['illumina', 'ont']), 'illumina'),
      lanes: v.optional(v.array(v.number())),
    }),
  },
  ({ samples, platform }) => ({ samples, platform, n: add1(1) }),
);
task('bundle.fails', { version: '1' }, (message: string) => {
  throw new RangeError(message);
});
task('bundle.bad', { version: '1' }, () => ({ fn: () => 1 }) as unknown as number);
task('bundle.later', { version: '1' }, async (n: number) => ({ n: add(n, 1), at: new Date(0) }));

const bundle = makeBundle(undefined, undefined);

describe('the program', () => {
  it('has every task with its hash, options, schema and description', () => {
    const { tasks } = bundle.program();
    expect(tasks['bundle.main']).toEqual({
      hash: digest('task', JSON.stringify(['bundle.main', 'version', '3'])),
      options: { memory: 8 },
      description: 'Counts reads.',
      params: {
        $schema: expect.any(String),
        type: 'object',
        properties: {
          samples: { type: 'string', format: 'redex-file' },
          out: { type: 'string', format: 'redex-dir' },
          platform: { type: 'string', enum: ['illumina', 'ont'], default: 'illumina' },
          lanes: { type: 'array', items: { type: 'number' } },
        },
        required: ['samples', 'out'],
        additionalProperties: false,
      },
    });
    expect(Object.keys(tasks)).toEqual(expect.arrayContaining(['redex.script', 'redex.const', 'redex.copy_file']));
    expect(JSON.parse(JSON.stringify(tasks))).toEqual(tasks);
  });

  // Acceptance: 31.
  it('hashes a task by source and includes, or by version', () => {
    const { tasks } = bundle.program();
    const included = [['n => n + 1', ''], hashOf(encode({ k: 1 }))];
    const expected = digest('task', JSON.stringify(['bundle.add1', 'code', ['n => helper(n)', ''], ...included]));
    expect(tasks['bundle.add1']?.hash).toBe(expected);
  });

  it('has the executors that need no configuration', () => {
    expect(bundle.program()).toMatchObject({
      executors: { inline: { type: 'inline' }, batch: { type: 'batch' } },
      limits: {},
      context: {},
    });
  });
});

describe('running a task', () => {
  it('gives its encoded result, promises awaited, lazy parts as expressions', async () => {
    const result = await bundle.invoke('bundle.later', encode([2]));
    expect(result).toEqual(encode({ n: add(2, 1), at: new Date(0) }));
  });

  it('gives the function decoded values', async () => {
    const args = { samples: file('a'), out: file('b'), platform: 'ont' };
    const result = decode(await bundle.invoke('bundle.main', encode([args])), REVIVE);
    expect(result).toMatchObject({ samples: file('a'), platform: 'ont' });
  });

  it('rejects with what the function throws, and for results without an encoding', async () => {
    await expect(bundle.invoke('bundle.fails', encode(['no']))).rejects.toThrow(new RangeError('no'));
    await expect(bundle.invoke('bundle.bad', encode([]))).rejects.toThrow(NotEncodable);
    await expect(bundle.invoke('bundle.nowhere', encode([]))).rejects.toThrow(TaskNotFound);
    await expect(bundle.invoke('redex.script', encode([]))).rejects.toThrow('its executor carries it out');
  });
});

describe('the root of a run', () => {
  it('is the call of a workflow with its arguments read and filled in', () => {
    const args = { samples: file('s.tsv'), out: 'out', platform: 'illumina' };
    const table = bundle.root('bundle.main', { samples: './s.tsv', out: 'out' });
    expect(table).toContainEqual(['file', 's.tsv', null]);
    expect(table).toContainEqual(['dir', 'out/', null]);
    expect(rootOf(table)).toEqual(['call', 'bundle.main', [table.length - 2], null]);
    expect(bundle.root('bundle.main', args)).toEqual(table);
  });

  it('is refused with every problem listed', () => {
    expect(() => bundle.root('bundle.main', { samples: 3, platfrom: 'x', platform: 'x' })).toThrow(BadArguments);
    expect(() => bundle.root('bundle.main', { samples: 3, platfrom: 'x', platform: 'x' })).toThrow(
      [
        'bad arguments for bundle.main:',
        '  platfrom: there is no such parameter',
        '  samples: expected the location of a file, got 3',
        '  out: missing; expected the location of a directory',
        '  platform: expected ("illumina" | "ont"), got "x"',
        'it takes samples, out, platform?, lanes?',
      ].join('\n'),
    );
    expect(() => bundle.root('bundle.main', 'x')).toThrow('bundle.main takes one record of arguments');
  });

  it('says which workflows there are', () => {
    expect(() => bundle.root('bundle.mian', {})).toThrow(TaskNotFound);
    expect(() => bundle.root('bundle.mian', {})).toThrow(
      'there is no workflow bundle.mian; the workflows are:\n  bundle.main',
    );
    expect(() => bundle.root('bundle.add1', {})).toThrow('the task bundle.add1 declares no params');
  });
});

describe('a thrown thing', () => {
  const root = (thrown: unknown) => rootOf(bundle.encodeError(thrown)) as readonly unknown[];

  it('is an error with name, classes, message and what it carries', () => {
    class Odd extends TypeError {
      override readonly name = 'Odd';
      readonly exitCode = 3;
    }
    const error = decode(bundle.encodeError(new Odd('no', { cause: new RangeError('why') })), REVIVE) as Odd;
    expect(error).toMatchObject({ name: 'Odd', message: 'no', exitCode: 3 });
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'why' });
    expect(error.stack).toContain('bundle.test');
    expect(root(new Odd('no')).slice(0, 4)).toEqual(['error', 'Odd', ['Odd', 'TypeError', 'Error'], 'no']);
  });

  it.each<[string, unknown, string]>([
    ['a string', 'boom', 'not an error, but thrown: boom'],
    ['a record', { code: 1 }, 'not an error, but thrown: {"code":1}'],
    ['undefined', undefined, 'not an error, but thrown: undefined'],
    ['a symbol', Symbol('s'), 'not an error, but thrown: Symbol(s)'],
    ['a lazy value', add(1, 2), 'not an error, but thrown: function'],
    [
      'what cannot be looked at',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
          getPrototypeOf: () => {
            throw new Error('no');
          },
        },
      ),
      'something was thrown that cannot be shown',
    ],
  ])('is an error when it is %s', (_name, thrown, message) => {
    expect(root(thrown).slice(0, 4)).toEqual(['error', 'Error', ['Error'], message]);
  });

  it('is kept by name and message when the rest has no encoding', () => {
    const cyclic = new Error('round');
    cyclic.cause = cyclic;
    expect(root(cyclic).slice(0, 4)).toEqual(['error', 'Error', ['Error'], 'round']);
    expect(root(new Error('lone \ud800'))[3]).toBe('lone \ufffd');
    expect(root(Object.assign(new Error('field'), { text: '\ud800' }))[3]).toBe('field');
  });

  it('encodes to the same again after a trip', () => {
    const table = bundle.encodeError(Object.assign(new RangeError('no'), { exitCode: 3 }));
    expect(encode(decode(JSON.parse(JSON.stringify(table)) as Table, REVIVE))).toEqual(table);
  });
});

describe('the configuration', () => {
  const config = defineConfig({
    executors: { batch: { type: 'batch', image: 'a:1', memory: 4 }, gpu: { type: 'batch', gpus: 1 } },
    limits: { db: 2 },
    context: { tools: { bwa: 'bwa-mem2', r: true }, list: [1, 2] },
    profiles: {
      debian: {
        executors: { batch: { memory: 2 }, small: { memory: 1 } },
        limits: { net: 4 },
        context: { tools: { bwa: 'bwa' }, list: [3] },
      },
    },
  });

  it('is itself without a profile', () => {
    const { tasks: _, ...settings } = makeBundle(config, undefined).program();
    expect(settings).toEqual({
      executors: { inline: { type: 'inline' }, ...config.executors },
      limits: config.limits,
      context: config.context,
    });
  });

  it('is changed by a profile: fields of executors, limits, the context at every depth', () => {
    expect(makeBundle(config, 'debian').program()).toMatchObject({
      executors: {
        batch: { type: 'batch', image: 'a:1', memory: 2 },
        gpu: { gpus: 1 },
        small: { type: 'batch', memory: 1 },
      },
      limits: { db: 2, net: 4 },
      context: { tools: { bwa: 'bwa', r: true }, list: [3] },
    });
  });

  it('is refused for an unknown profile and for a context that is not JSON', () => {
    expect(() => makeBundle(config, 'debain').program()).toThrow(
      'no profile "debain"; it has: debian; did you mean \'debian\'?',
    );
    const dated: Config = { context: { since: new Date(0) } };
    expect(() => makeBundle(dated, undefined).program()).toThrow('must be plain JSON');
  });

  it.each<[string, object, string]>([
    [
      'of an executor',
      { executors: { batch: { type: 'batch', memory: -3 } } },
      "the option 'executors.batch.memory' must be a positive number of GiB, and is -3",
    ],
    [
      'unknown, of an executor',
      { executors: { batch: { type: 'batch', vcpu: 3 } } },
      "there is no option 'executors.batch.vcpu'; did you mean 'vcpus'?",
    ],
    [
      'that tells executors apart',
      { executors: { gpu: { gpus: 1 } } },
      "executors.gpu needs a type: 'batch' or 'inline'",
    ],
    [
      'of an executor beside another',
      { profiles: { aws: { executors: { batch: { memory: 8, memoryMax: 4 } } } } },
      "'profiles.aws.executors.batch.memoryMax' must be no less than memory, which is 8, and is 4",
    ],
    ['of the web', { web: { privateRedirects: 'localhost' } }, `the option 'web.privateRedirects' must be a list`],
    [
      'of a place on it',
      { profiles: { p: { web: { privateRedirects: ['mirror.example', '10.0.0.0/33'] } } } },
      "the option 'profiles.p.web.privateRedirects.1' must be a host, an address, or a network as 10.0.0.0/8",
    ],
    ['of a limit', { limits: { db: 'two' } }, `the option 'limits.db' must be a number, 0 or more, and is "two"`],
    ['that is no record', { executors: [] }, "the option 'executors' must be a record, and is a list"],
    ['at the top', { executers: {} }, "there is no option 'executers'; did you mean 'executors'?"],
    [
      'of a profile that was not chosen',
      { profiles: { aws: { executors: { batch: { platform: 'fargate' } } } } },
      `'profiles.aws.executors.batch.platform' must be 'EC2' or 'FARGATE', and is "fargate"; did you mean 'FARGATE'?`,
    ],
    [
      'of where a secret is',
      { profiles: { aws: { executors: { batch: { secrets: { KEY: 'hunter22' } } } } } },
      "the option 'profiles.aws.executors.batch.secrets.KEY' must say where the secret is",
    ],
    ['of no profile', { profiles: { aws: { limit: {} } } }, "'profiles.aws.limit'; did you mean 'limits'?"],
    ['of a whole file', [], 'what holds the options must be a record'],
  ])('is refused by path for a setting that is wrong: %s', (_what, odd, said) => {
    const load = () => makeBundle(odd as Config, undefined).program();
    expect(load).toThrow('redex.config.ts: ');
    expect(load).toThrow(said);
  });
});
