/** What npm has works in workflows: where their modules look for things, and what cannot be there. */
import { chmod, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { workerHost } from '../../core/host/host.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { project } from '../support/project.ts';

type Files = Readonly<Record<string, string>>;

/** Runs the task `t` of workflow.ts where nothing of the project is left but its bundle. */
async function runElsewhere(files: Files, before: (folder: string) => Promise<void> = () => Promise.resolve()) {
  const folder = await project({ 'package.json': '{"type":"module"}', ...files }, afterAll);
  await before(folder);
  const said: string[] = [];
  const made = await bundleProgram({ entries: [join(folder, 'workflow.ts')], log: (text) => void said.push(text) });
  const elsewhere = await project({}, afterAll);
  const objects = folderObjects(join(elsewhere, 'store'));
  await storeBundle(objects, made);
  await rename(folder, `${folder}-gone`);
  await rm(`${folder}-gone`, { recursive: true });
  const host = workerHost({ objects, folder: join(elsewhere, 'bundles') });
  const result = await host.run(made.hash, 't', encode([]));
  await host.close();
  const refuse = () => undefined;
  const value = decode(result.ok ? result.table : result.error, { task: refuse, expression: refuse });
  return { value, said, hash: made.program.tasks.t?.hash };
}

const workflow = (code: string) => `import { task } from 'redex';\n${code}`;

describe('a package', () => {
  const using = (index: string, more: Files = {}): Files => ({
    'workflow.ts': workflow("import old from 'old'; task('t', () => old.value());"),
    'node_modules/old/package.json': '{"name":"old","version":"1.0.0","main":"index.js"}',
    'node_modules/old/index.js': index,
    ...more,
  });

  it('may require what need not be there', async () => {
    const index = "let f; try { f = require('not-there'); } catch { f = () => 'plain'; } exports.value = f;";
    expect((await runElsewhere(using(index))).value).toBe('plain');
  });

  it('that requires what must be there is refused with its name', async () => {
    await expect(runElsewhere(using("exports.value = require('not-there');"))).rejects.toThrow(/not-there/);
  });

  it('of the old module format that defines tasks is told how it can', async () => {
    const index = "const { task } = require('redex'); exports.value = task('old.scale', (x) => x * 2);";
    await expect(runElsewhere(using(index))).rejects.toThrow(/old\.scale has neither.*a package.*by import/);
  });

  it('knows __dirname and __filename', async () => {
    const index = 'exports.value = () => [typeof __dirname, typeof __filename];';
    expect((await runElsewhere(using(index))).value).toEqual(['string', 'string']);
  });

  it('with a native addon goes on without it where it can, else says what is the matter', async () => {
    const addon = { 'node_modules/old/build/x.node': 'ELF' };
    const optional = "let f; try { f = require('./build/x.node'); } catch { f = () => 'plain'; } exports.value = f;";
    expect((await runElsewhere(using(optional, addon))).value).toBe('plain');
    const needed = "exports.value = () => require('./build/x.node');";
    expect((await runElsewhere(using(needed, addon))).value).toMatchObject({
      message: expect.stringMatching(/^old\/build\/x\.node is a native addon.*script$/),
    });
  });

  it.each([
    ['in .mjs', 'index.mjs', "import { task } from 'redex'; export const scale = task('scale', (x) => x * 2);"],
    [
      'that helps itself',
      'index.js',
      "import { task } from 'redex'; import { k } from './k.js'; export const scale = task('scale', (x) => x * k);",
    ],
  ])('may define tasks %s, whose code counts though its version stays', async (_, main, index) => {
    const hashes = async (files: Files) => {
      const folder = await project(
        {
          'package.json': '{"type":"module"}',
          'workflow.ts': workflow("import { scale } from 'lab'; task('t', () => scale(1));"),
          'node_modules/lab/package.json': `{"name":"lab","version":"1.0.0","type":"module","exports":"./${main}"}`,
          [`node_modules/lab/${main}`]: index,
          'node_modules/lab/k.js': 'export const k = 2;',
          ...files,
        },
        afterAll,
      );
      const { program } = await bundleProgram({ entries: [join(folder, 'workflow.ts')] });
      return { t: program.tasks.t?.hash, scale: program.tasks.scale?.hash };
    };
    const [one, other] = [
      await hashes({}),
      await hashes({
        'node_modules/lab/k.js': 'export const k = 3;',
        [`node_modules/lab/${main}`]: index.replace('* 2', '* 3'),
      }),
    ];
    expect(other.scale).not.toBe(one.scale);
    expect(other.t).toBe(one.t);
  });
});

describe('a task of a package', () => {
  it('has its file and line, in the project’s own node_modules and in one above, of every version that is there', async () => {
    const index = (name: string) => `/** A\n * comment. */\n${workflow(`task('${name}', () => 1);`)}`;
    const folder = await project({
      'app/package.json': '{"type":"module"}',
      'app/workflow.ts': "import 'own'; import 'hoisted'; import 'two';",
      'app/node_modules/own/package.json': '{"name":"own","type":"module","exports":"./lib/index.js"}',
      'app/node_modules/own/lib/index.js': index('own.t'),
      'node_modules/hoisted/package.json': '{"name":"hoisted","type":"module","exports":"./index.js"}',
      'node_modules/hoisted/index.js': `${index('hoisted.t')}\nimport 'two';`,
      'node_modules/hoisted/node_modules/two/package.json': '{"name":"two","type":"module","exports":"./index.js"}',
      'node_modules/hoisted/node_modules/two/index.js': index('two.new'),
      'node_modules/two/package.json': '{"name":"two","type":"module","exports":"./index.js"}',
      'node_modules/two/index.js': index('two.old'),
    });
    const { tasks } = (await bundleProgram({ entries: [join(folder, 'app/workflow.ts')] })).program;
    expect(['own.t', 'hoisted.t', 'two.new', 'two.old'].map((name) => tasks[name]?.place)).toEqual([
      'node_modules/own/lib/index.js:4',
      'node_modules/hoisted/index.js:4',
      'node_modules/hoisted/node_modules/two/index.js:4',
      'node_modules/two/index.js:4',
    ]);
  });
});

describe('a project', () => {
  const lab = "import { task } from 'redex'; import { two } from 'two'; export const scale = task('t', () => two * 2);";

  it('may have its packages linked out of a store, each beside its own', async () => {
    const store = 'node_modules/.pnpm';
    const files = {
      'workflow.ts': "export * from 'lab';",
      [`${store}/lab@1.0.0/node_modules/lab/package.json`]: '{"name":"lab","version":"1.0.0","type":"module"}',
      [`${store}/lab@1.0.0/node_modules/lab/index.js`]: lab,
      [`${store}/two@1.0.0/node_modules/two/package.json`]: '{"name":"two","version":"1.0.0"}',
      [`${store}/two@1.0.0/node_modules/two/index.js`]: 'exports.two = 2;',
    };
    const { value } = await runElsewhere(files, async (folder) => {
      await symlink('.pnpm/lab@1.0.0/node_modules/lab', join(folder, 'node_modules/lab'));
      await symlink('../../two@1.0.0/node_modules/two', join(folder, store, 'lab@1.0.0/node_modules/two'));
    });
    expect(value).toBe(4);
  });

  it('may have a package of its own workspace linked, whose tasks are like its own', async () => {
    const files = {
      'workflow.ts': "export * from 'lab';",
      'packages/lab/package.json': '{"name":"lab","version":"1.0.0","type":"module","exports":"./lab.ts"}',
      'packages/lab/lab.ts': workflow("export const t = task('t', (): number => 4);"),
      'node_modules/two/package.json': '{"name":"two"}',
    };
    const { value } = await runElsewhere(files, (folder) =>
      symlink('../packages/lab', join(folder, 'node_modules/lab')),
    );
    expect(value).toBe(4);
  });

  it.each(['flow.mts', 'flow.js', 'flow.mjs'])('may have modules like %s', async (name) => {
    const files = { 'workflow.ts': `export * from './${name}';`, [name]: workflow("task('t', () => 4);") };
    expect((await runElsewhere(files)).value).toBe(4);
  });
});

describe('a file beside a workflow', () => {
  const READ = "import { readFileSync } from 'node:fs';\n";

  it('is part of the bundle: it is read where only that is', async () => {
    const code = `${READ}task('t', () => readFileSync(new URL('./lib/ümläut x.sh', import.meta.url), 'utf8'));`;
    const { value } = await runElsewhere({ 'workflow.ts': workflow(code), 'lib/ümläut x.sh': 'echo 42\n' });
    expect(value).toBe('echo 42\n');
  });

  it('may be read when the module is loaded, above it, and can still be run', async () => {
    const code = `${READ}import { execFileSync } from 'node:child_process'; import { fileURLToPath } from 'node:url';
      const tool = new URL('../tool', import.meta.url);
      const text = readFileSync(tool, 'utf8');
      // A function that ends with the address.
      const [again] = [0].map(() => new URL('../tool', import.meta.url));
      export const t = task('t', () => [text.length, ...[tool, again].map((each) => execFileSync(fileURLToPath(each), { encoding: 'utf8' }))]);`;
    const files = {
      'workflow.ts': "export * from './deep/flow.ts';",
      'deep/flow.ts': workflow(code),
      tool: '#!/bin/sh\necho ran\n',
    };
    const { value } = await runElsewhere(files, (folder) => chmod(join(folder, 'tool'), 0o755));
    expect(value).toEqual([19, 'ran\n', 'ran\n']);
  });

  it('that is too large is refused with advice', async () => {
    const code = "task('t', () => new URL('./x', import.meta.url));";
    const files = { 'workflow.ts': workflow(code), x: 'x'.repeat(6 * 1024 * 1024) };
    await expect(runElsewhere(files)).rejects.toThrow(/\.\/x has 6291456 bytes.*argument/);
  });

  it('that is not there is the address that it is', async () => {
    const code = "task('t', () => new URL('./none', import.meta.url).pathname.endsWith('/none'));";
    expect((await runElsewhere({ 'workflow.ts': workflow(code) })).value).toBe(true);
  });
});
