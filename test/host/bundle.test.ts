import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { getSealed, keys } from '../../core/engine/objects.ts';
import { BundleError, bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { project, scratchFolder } from '../support/project.ts';

const GREET = `
import { task, v } from 'redex';
import { shout } from './lib/shout.ts';

export const greet = task('demo.greet', { includes: [shout, { tries: 3 }] }, (name: string) => {
  const greeting = \`hello \${name}\`;
  return shout(greeting);
});

export const main = task('demo.main', { params: v.object({ name: v.string() }) }, ({ name }) => greet(name));
`;
const SHOUT = `export function shout(text: string): string {
  return text.toUpperCase();
}
`;
const FILES = { 'package.json': '{"type":"module","sideEffects":false}', 'workflow.ts': GREET, 'lib/shout.ts': SHOUT };

async function bundleOf(files: Readonly<Record<string, string>>, entries = ['workflow.ts']) {
  const folder = await project(files);
  const config = 'redex.config.ts' in files ? join(folder, 'redex.config.ts') : undefined;
  return bundleProgram({ entries: entries.map((entry) => join(folder, entry)), config });
}

async function hashesOf(files: Readonly<Record<string, string>>, entries?: string[]) {
  const { program } = await bundleOf(files, entries);
  return { greet: program.tasks['demo.greet']?.hash, main: program.tasks['demo.main']?.hash };
}

let ofFiles: ReturnType<typeof hashesOf> | undefined;
/** Those of `FILES` as they are. */
function unchanged(): ReturnType<typeof hashesOf> {
  ofFiles ??= hashesOf(FILES);
  return ofFiles;
}

/** The files with one of them changed; a change that changes nothing is a mistake of the test. */
function edited(path: keyof typeof FILES, from: string, to: string) {
  expect(FILES[path]).toContain(from);
  return { ...FILES, [path]: FILES[path].replace(from, to) };
}

describe('a task hash', () => {
  // Acceptance: 34.
  test('does not change when an unrelated file is added to the bundle, though the linker renames', async () => {
    const other = `
      import { task } from 'redex';
      const greet = (greeting: string) => greeting; const shout = 1; class main {}
      export const other = task('demo.other', () => [greet('x'), shout, main.name]);`;
    const before = await bundleOf(FILES);
    const after = await bundleOf({ ...FILES, 'a-other.ts': other }, ['a-other.ts', 'workflow.ts']);
    expect(after.hash).not.toBe(before.hash);
    expect(after.program.tasks).toMatchObject(before.program.tasks);
    expect(after.program.tasks['demo.other']).toBeDefined();
  });

  test('does not change when something with the name of a local variable is added to its own file', async () => {
    const more =
      "import { task, v } from 'redex';\nconst name = 1, greeting = 2, text = 3;\nexport { name, greeting, text };";
    expect(await hashesOf(edited('workflow.ts', "import { task, v } from 'redex';", more))).toEqual(await unchanged());
  });

  test.each([
    ['comments', edited('workflow.ts', 'return shout', '// loudly\n  return /* very */ shout')],
    ['types', edited('workflow.ts', 'const greeting =', 'const greeting: string =')],
    ['types of a parameter', edited('workflow.ts', '(name: string)', '(name: any)')],
    ['layout', edited('workflow.ts', '  return shout(greeting);', 'return (\n      shout(greeting)\n   );')],
    ['comments in an included function', edited('lib/shout.ts', 'return', '/* upper case */ return')],
  ])('does not change with %s', async (_, files) => {
    expect(await hashesOf(files)).toEqual(await unchanged());
  });

  test.each([
    ['its body', edited('workflow.ts', 'hello ', 'good day ')],
    ['an included function in another file', edited('lib/shout.ts', 'toUpperCase', 'toLowerCase')],
    ['an included value', edited('workflow.ts', 'tries: 3', 'tries: 4')],
  ])('changes with %s, and no other does', async (_, files) => {
    const before = await unchanged();
    const after = await hashesOf(files);
    expect(after.greet).not.toBe(before.greet);
    expect(after.main).toBe(before.main);
  });

  test('does not change when the file is moved, nor with the local name of `task`', async () => {
    const moved = {
      'deep/er/moved.ts': GREET.replace("'./lib/", "'../../lib/")
        .replace('{ task, v }', '{ task as t, v }')
        .replaceAll(' task(', ' t('),
      'lib/shout.ts': SHOUT,
    };
    const star = {
      ...FILES,
      'workflow.ts': GREET.replace('{ task, v }', '* as r').replaceAll(' task(', ' r.task(').replace(/\bv\./g, 'r.v.'),
    };
    const before = await unchanged();
    expect(await hashesOf(moved, ['deep/er/moved.ts'])).toEqual(before);
    expect(await hashesOf(star)).toEqual(before);
  });

  // Acceptance: 31.
  test('of a versioned task stays with its version, whatever the function is', async () => {
    const versioned = (body: string) =>
      hashesOf({ 'workflow.ts': `import { task } from 'redex'; task('demo.greet', { version: '1' }, () => ${body});` });
    expect(await versioned('1')).toEqual(await versioned('2'));
  });
});

describe('a bundle', () => {
  test('of two clones in different folders is the same, and so are its task hashes', async () => {
    const [one, two] = await Promise.all([bundleOf(FILES), bundleOf(FILES)]);
    expect(two.hash).toBe(one.hash);
    expect(two.program).toEqual(one.program);
    expect(one.code).not.toContain('redex-test-');
  });

  test('holds redex once, however it is imported, and none of the SDK', async () => {
    const index = JSON.stringify(join(import.meta.dirname, '../../core/index.ts'));
    const { code, program } = await bundleOf(
      {
        'a.ts': "import { task } from 'redex'; export const a = task('a', () => 1);",
        'b.ts': `import { task } from ${index}; export const b = task('b', () => 2);`,
      },
      ['a.ts', 'b.ts'],
    );
    expect(Object.keys(program.tasks)).toEqual(expect.arrayContaining(['a', 'b', 'redex.script']));
    expect(code.match(/redex\.expression/g)).toHaveLength(1);
    expect(code).not.toContain('aws-sdk');
  });

  test('has the configuration, with the profile applied', async () => {
    const folder = await project({
      ...FILES,
      'redex.config.ts': `import { defineConfig } from 'redex';
        export default defineConfig({ web: { privateRedirects: ['10.0.0.0/8'] }, limits: { db: 2 }, context: { tools: 'gatk' }, profiles: { debian: { context: { tools: 'picard' } } } });`,
    });
    const entries = [join(folder, 'workflow.ts')];
    const { program } = await bundleProgram({ entries, config: join(folder, 'redex.config.ts'), profile: 'debian' });
    const web = { privateRedirects: ['10.0.0.0/8'] };
    expect(program).toMatchObject({ limits: { db: 2 }, web, context: { tools: 'picard' } });
    // Even where there is no configuration that could have it.
    await expect(bundleProgram({ entries, profile: 'debian' })).rejects.toThrow('has no profile "debian"');
  });

  describe('whose configuration looks at the environment', () => {
    const files = {
      'package.json': '{"type":"module"}',
      'redex.config.ts': 'export default { context: { tool: process.env.TOOL ?? "none", home: "x" } };',
      'workflow.ts': `import { task } from 'redex';
        // process.env in a comment is no reading of it.
        task('e.seen', () => Object.keys(process.env));
        export const tool = process.env.TOOL;`,
    };
    const made = async (environment: Record<string, string>, changes: Record<string, string> = {}) => {
      const folder = await project({ ...files, ...changes });
      const said: string[] = [];
      const [entries, config] = [[join(folder, 'workflow.ts')], join(folder, 'redex.config.ts')];
      const log = (text: string) => void said.push(text);
      return { ...(await bundleProgram({ entries, config, environment, log })), said };
    };

    test('sees that of who gave the command, and what it came to is in the bundle and its hash', async () => {
      const [one, two, again] = [
        await made({ TOOL: 'gatk' }),
        await made({ TOOL: 'picard' }),
        await made({ TOOL: 'gatk', X: '1' }),
      ];
      expect([one.program.context, two.program.context]).toEqual([
        { tool: 'gatk', home: 'x' },
        { tool: 'picard', home: 'x' },
      ]);
      expect(one.hash).not.toBe(two.hash);
      expect(again.hash).toBe(one.hash);
    });

    test('says once that workflow files see nothing of it, with file and line and what to do', async () => {
      const { said } = await made({ TOOL: 'gatk' });
      expect(said).toEqual([expect.stringMatching(/^workflow\.ts:3: process\.env .*redex\.config\.ts .*argument/)]);
      expect((await made({}, { 'workflow.ts': '// process.env\nexport const one = 1;' })).said).toEqual([]);
    });

    test('keeps context under any key', async () => {
      const config = `export default { context: JSON.parse('{"__proto__": {"a": 1}}') };`;
      const { program } = await made({}, { 'redex.config.ts': config });
      expect(Object.entries(program.context)).toEqual([['__proto__', { a: 1 }]]);
    });
  });

  test('may use packages, also CommonJS ones', async () => {
    const { program } = await bundleOf({
      'node_modules/old/package.json': '{"name":"old","main":"index.js"}',
      'node_modules/old/index.js': "const { join } = require('path'); exports.where = () => join('a', '..', 'b');",
      'workflow.ts': "import { where } from 'old'; import { task } from 'redex'; task(where(), () => where());",
    });
    expect(Object.keys(program.tasks)).toContain('b');
  });

  test('knows where in the author’s files each task was defined, wherever the bundle lies', async () => {
    const { program } = await bundleOf(
      {
        ...FILES,
        'lib/made.ts': `import { task } from 'redex';
        type Text = string;

        /** Comments and types are no lines of the bundle. */
        export const make = (name: string) =>
          task(name, { version: '1' }, (text: Text) => text);
        make('demo.made');
        export default task('demo.twice', (n: number): number => n * 2);`,
        'sub/a file.ts':
          "import twice from '../lib/made.ts';\nimport { task } from 'redex';\ntask('demo.odd', () => twice(1));",
      },
      ['workflow.ts', 'sub/a file.ts'],
    );
    const places = Object.entries(program.tasks).map(([name, { place }]) => [name, place] as const);
    expect(Object.fromEntries(places.filter(([name]) => name.startsWith('demo.')))).toEqual({
      'demo.greet': 'workflow.ts:5',
      'demo.main': 'workflow.ts:10',
      'demo.made': 'lib/made.ts:6',
      'demo.twice': 'lib/made.ts:8',
      'demo.odd': 'sub/a file.ts:3',
    });
    expect(program.tasks['redex.script']?.place).toBeUndefined();
  });

  test('is stored under its hash, with its program beside it', async () => {
    const bundle = await bundleOf(FILES);
    const folder = await scratchFolder();
    const objects = folderObjects(folder);
    await storeBundle(objects, bundle);
    expect(await readFile(join(folder, keys.bundle(bundle.hash)), 'utf8')).toBe(bundle.code);
    expect(await getSealed(objects, keys.program(bundle.hash))).toEqual(bundle.program);
    await storeBundle({ ...objects, put: () => Promise.reject(new Error('written twice')) }, bundle);
  });

  test.each([
    ['its code is damaged', keys.bundle],
    ['its program is damaged', keys.program],
  ])('is stored again where %s', async (_, keyOf) => {
    const bundle = await bundleOf(FILES);
    const objects = folderObjects(await scratchFolder());
    await storeBundle(objects, bundle);
    await objects.put(keyOf(bundle.hash), Buffer.from('{}'));
    await storeBundle(objects, bundle);
    expect(Buffer.from((await objects.get(keys.bundle(bundle.hash))) ?? []).toString()).toBe(bundle.code);
    expect(await getSealed(objects, keys.program(bundle.hash))).toEqual(bundle.program);
  });
});

describe('what is wrong with the files is said with file and line', () => {
  test.each([
    ['a syntax error', 'export const a = 1;\nconst b = ;\n', /Unexpected ";"[\s\S]*workflow\.ts:2:10/],
    [
      'an unknown import',
      "\nimport { x } from './nowhere.ts';\nx();\n",
      /Could not resolve "\.\/nowhere\.ts"[\s\S]*workflow\.ts:2:18/,
    ],
    [
      'a missing export',
      "import { task, nothing } from 'redex';\n\ntask('demo.a', () => nothing());\n",
      /No matching export[\s\S]*workflow\.ts:1:15/,
    ],
    [
      'an unknown package',
      "import { x } from 'nowhere';\nx();\n",
      /Could not resolve "nowhere"[\s\S]*workflow\.ts:1:18/,
    ],
    ['a top level that throws', "\n\nthrow new Error('not today');\n", /not today[\s\S]*workflow\.ts:3:7/],
    ['a top level that ends the process', 'process.exit(3);\n', /process\.exit\(3\) was called/],
    [
      'a task without a known source',
      "import { task } from 'redex';\nconst made = () => () => 1;\ntask('demo.made', made());\n",
      /demo\.made has neither a version nor a known source/,
    ],
  ])('%s', async (_, text, message) => {
    const failed = bundleOf({ 'package.json': '{}', 'workflow.ts': text });
    await expect(failed).rejects.toThrow(BundleError);
    await expect(failed).rejects.toThrow(message);
  });
});
