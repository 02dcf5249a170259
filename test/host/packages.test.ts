/** What npm has works in workflows: where their modules look for things, and what cannot be there. */
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleProgram } from '../../core/host/bundle.ts';
import { project } from '../support/project.ts';
import { type Files, runElsewhere, workflow } from './elsewhere.ts';

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

  it('in CommonJS that defines tasks is told how it can', async () => {
    const index = "const { task } = require('redex'); exports.value = task('old.scale', (x) => x * 2);";
    await expect(runElsewhere(using(index))).rejects.toThrow(/old\.scale has neither.*a package.*by import/);
  });

  it('knows __dirname and __filename', async () => {
    const index = 'exports.value = () => [__dirname, __filename].map((path) => path.split("/").at(-1));';
    expect((await runElsewhere(using(index))).value).toEqual(['old', 'index.js']);
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

describe('a package that reads its own files', () => {
  const PATH = "const { join } = require('node:path'); const { readFileSync, readdirSync } = require('node:fs');";
  const files = (index: string, manifest: object = {}): Files => ({
    'workflow.ts': workflow("import { value } from 'own'; task('t', () => value());"),
    'node_modules/own/package.json': JSON.stringify({
      name: 'own',
      version: '1.0.0',
      main: 'lib/index.js',
      ...manifest,
    }),
    'node_modules/own/lib/index.js': index,
    'node_modules/own/lib/a.txt': 'beside',
    'node_modules/own/b.txt': 'above',
    'node_modules/own/pages/c.txt': 'in a folder',
    'node_modules/own/pages/d/e.txt': 'in a folder of that',
    'secret.txt': 'of the project',
  });
  const read = (path: string) => `exports.value = () => readFileSync(${path}, 'utf8');`;

  it.each([
    ["join(__dirname, 'a.txt')", 'beside'],
    ["join(__dirname, '..', 'b.txt')", 'above'],
    ["__dirname + '/a.txt'", 'beside'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
    ['`${__dirname}/../b.txt`', 'above'],
    ["join(__dirname, '../pages', ['c', 'txt'].join('.'))", 'in a folder'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
    ["`${__dirname}/../pages/d/${'e'}.txt`", 'in a folder of that'],
    ["new URL('./a.txt', require('node:url').pathToFileURL(__filename))", /ENOENT.*own\/lib\/a\.txt/],
    ["join(__dirname, '../../../secret.txt')", /ENOENT/],
  ])('in CommonJS by %s', async (path, expected) => {
    const { value } = await runElsewhere(files(PATH + read(path)));
    if (typeof expected === 'string') expect(value).toBe(expected);
    else expect(value).toMatchObject({ message: expect.stringMatching(expected) });
  });

  it.each([
    ["new URL('./a.txt', import.meta.url)", 'beside'],
    ["new URL('../pages/c.txt', import.meta.url)", 'in a folder'],
    ["join(import.meta.dirname, '../b.txt')", 'above'],
    ["join(__dirname, 'a.txt')", 'beside'],
    ["require.resolve('../package.json')", /"version":"1.0.0"/],
  ])('as a module by %s', async (path, expected) => {
    const index = `#!/usr/bin/env node
      import { createRequire } from 'node:module'; import { dirname, join } from 'node:path'; import { readFileSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      const __dirname = dirname(fileURLToPath(import.meta.url)); const require = createRequire(import.meta.url);
      const { version } = require('../package.json');
      export const value = () => readFileSync(${path}, 'utf8');`;
    const { value } = await runElsewhere(files(index, { type: 'module' }));
    expect(value).toMatch(expected);
  });

  it('has files that can be run, and one that it names twice once', async () => {
    const index = `${PATH} const tool = join(__dirname, 'tool'); const again = __dirname + '/tool';
      exports.value = () => require('node:child_process').execFileSync(tool === again && tool, { encoding: 'utf8' });`;
    const { value } = await runElsewhere(
      { ...files(index), 'node_modules/own/lib/tool': '#!/bin/sh\necho ran\n' },
      (folder) => chmod(join(folder, 'node_modules/own/lib/tool'), 0o755),
    );
    expect(value).toBe('ran\n');
  });

  it('may name files that are too large, which is refused with advice', async () => {
    const large = { 'node_modules/own/lib/a.txt': 'x'.repeat(6 * 1024 * 1024) };
    const index = PATH + read("join(__dirname, 'a.txt')");
    await expect(runElsewhere({ ...files(index), ...large })).rejects.toThrow(
      /beside index\.js have 6291456.*argument/s,
    );
  });
});

describe('a CommonJS module of the project', () => {
  const files: Files = {
    'workflow.ts': workflow("import { f } from './lib/helper.cjs'; task('t', () => f());"),
    'lib/helper.cjs': "const { g } = require('./deep.cjs'); exports.f = () => g();",
    'lib/deep.cjs': `const { readFileSync } = require('node:fs');
      exports.g = () => readFileSync(__dirname + '/../data.txt', 'utf8');`,
    'data.txt': 'data',
  };
  const hashOf = async (changes: Files) => (await runElsewhere({ ...files, ...changes })).hash;

  it('has the files it names, under .cjs and, where the package says so, under .js', async () => {
    expect((await runElsewhere(files)).value).toBe('data');
    const asJs = {
      'package.json': '{}',
      'workflow.ts': workflow("import { f } from './helper'; task('t', () => f());"),
      'helper.js': "// import nothing\nmodule.exports = { f: () => require('./data.json').x };",
      'data.json': '{"x":1}',
    };
    expect((await runElsewhere(asJs)).value).toBe(1);
  });

  it('is in the hash with all that it requires and names, and without comments', async () => {
    const hash = await hashOf({});
    expect(await hashOf({ 'lib/deep.cjs': `// why\n${files['lib/deep.cjs']}` })).toBe(hash);
    expect(await hashOf({ 'lib/deep.cjs': `${files['lib/deep.cjs']} exports.h = 1;` })).not.toBe(hash);
    expect(await hashOf({ 'data.txt': 'other data' })).not.toBe(hash);
    expect(await hashOf({ 'lib/helper.cjs': `${files['lib/helper.cjs']} require('node:os');` })).not.toBe(hash);
  });

  it('may require in circles, and says what cannot be followed', async () => {
    const circle = "exports.f = () => 1; require('./deep.cjs'); exports.load = (name) => require(name);";
    const { value, said } = await runElsewhere({
      ...files,
      'lib/helper.cjs': circle,
      'lib/deep.cjs': "require('./helper.cjs');",
    });
    expect(value).toBe(1);
    expect(said).toEqual([
      "lib/helper.cjs: require() of a computed name cannot be followed: what it runs is in no task's hash\n",
    ]);
  });

  it('that is none at all is refused with its place', async () => {
    await expect(runElsewhere({ ...files, 'lib/deep.cjs': 'exports.g = (' })).rejects.toThrow(/lib\/deep\.cjs:1:1/);
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

describe('a task of a workspace around the project', () => {
  it('has its file and line, and two files of one name in different folders are two', async () => {
    const folder = await project({
      'a/app/package.json': '{"type":"module"}',
      'a/app/workflow.ts': "import '../lib/lab.ts'; import '../../lib/lab.ts';",
      'a/lib/lab.ts': `\n${workflow("task('inner.t', () => 1);")}`,
      'lib/lab.ts': workflow("task('outer.t', () => 1);"),
    });
    const { tasks } = (await bundleProgram({ entries: [join(folder, 'a/app/workflow.ts')] })).program;
    expect(['inner.t', 'outer.t'].map((name) => tasks[name]?.place)).toEqual(['lib/lab.ts:3', 'lib/lab.ts:2']);
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

  it('may have its packages in archives, some of them under virtual paths, as Yarn’s Plug’n’Play keeps them', async () => {
    // https://yarnpkg.com/advanced/pnp-spec
    const at = (name: string, folder: string) => {
      const packageDependencies = ['lab', 'two'].map((each) => [each, 'npm:1.0.0']);
      return [name, [['npm:1.0.0', { packageLocation: folder, packageDependencies, linkType: 'HARD' }]]];
    };
    const zip = (files: Files) =>
      zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])));
    const files = {
      'workflow.ts': "export * from 'lab';",
      '.pnp.data.json': JSON.stringify({
        dependencyTreeRoots: [{ name: 'project', reference: 'workspace:.' }],
        enableTopLevelFallback: true,
        ignorePatternData: null,
        fallbackExclusionList: [],
        fallbackPool: [],
        packageRegistryData: [
          [null, [[null, { packageLocation: './', packageDependencies: [['lab', 'npm:1.0.0']], linkType: 'SOFT' }]]],
          at('lab', './.yarn/__virtual__/lab-virtual-1/1/.yarn/cache/lab.zip/node_modules/lab/'),
          at('two', './.yarn/cache/two.zip/node_modules/two/'),
        ],
      }),
      '.yarn/cache/x': '',
    };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
    const two = "exports.two = Number(require('node:fs').readFileSync(`${__dirname}/two.txt`, 'utf8'));";
    const { value } = await runElsewhere(files, async (folder) => {
      const cache = join(folder, '.yarn/cache');
      const labs = {
        'node_modules/lab/package.json': '{"name":"lab","version":"1.0.0","type":"module"}',
        'node_modules/lab/index.js': lab,
      };
      await writeFile(join(cache, 'lab.zip'), zip(labs));
      const twos = {
        'node_modules/two/package.json': '{"name":"two","version":"1.0.0"}',
        'node_modules/two/index.js': two,
        'node_modules/two/two.txt': '2',
      };
      await writeFile(join(cache, 'two.zip'), zip(twos));
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
