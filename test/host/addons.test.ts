/** Packages with native addons: they are used where they are installed. */
import { realpathSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { workerHost } from '../../core/host/host.ts';
import { encode } from '../../core/values/encode.ts';
import { project } from '../support/project.ts';
import { type Files, runElsewhere, workflow } from './elsewhere.ts';

describe('a package with a native addon', () => {
  const DATABASE = `import { ClassicLevel } from 'classic-level'; import { tmpdir } from 'node:os'; import { mkdtempSync } from 'node:fs';
    task('t', async () => {
      const database = new ClassicLevel(mkdtempSync(tmpdir() + '/redex-level-'));
      await database.put('key', 'kept');
      const value = await database.get('key');
      await database.close();
      return value;
    });`;
  const installed = realpathSync(join(import.meta.dirname, '../../node_modules'));
  const link = (folder: string) => symlink(installed, join(folder, 'node_modules'));

  it('is loaded from where it is installed', async () => {
    const folder = await project({ 'package.json': '{"type":"module"}', 'workflow.ts': workflow(DATABASE) });
    await link(folder);
    const made = await bundleProgram({ entries: [join(folder, 'workflow.ts')] });
    const objects = folderObjects(join(folder, 'store'));
    await storeBundle(objects, made);
    const host = workerHost({ objects, folder: join(folder, 'bundles'), project: folder });
    expect(await host.run(made.hash, 't', encode([]))).toEqual({ ok: true, table: encode('kept') });
    await host.close();
  });

  it('that is not installed stops only what uses it, with a message that says what to do', async () => {
    const { value } = await runElsewhere({ 'workflow.ts': workflow(DATABASE) }, link);
    expect(value).toMatchObject({
      message: expect.stringMatching(
        /^classic-level \d.* has a native addon.*Cannot find module.*Install it there.*script$/,
      ),
    });
    const unused = workflow(
      "import { ClassicLevel } from 'classic-level'; task('t', () => typeof ClassicLevel.prototype);",
    );
    const { value: thrown } = await runElsewhere({ 'workflow.ts': unused }, link);
    expect(thrown).toMatchObject({ message: expect.stringMatching(/^classic-level/) });
    const idle = workflow("import level from 'classic-level'; task('t', () => 'idle'); task('u', () => level);");
    expect((await runElsewhere({ 'workflow.ts': idle }, link)).value).toBe('idle');
  });

  const using = (code: string, addon: Files): Files => ({
    'workflow.ts': workflow(code),
    'node_modules/fast/package.json': '{"name":"fast","version":"1.0.0","gypfile":true}',
    'node_modules/fast/index.js': 'exports.value = () => "fast";',
    ...addon,
  });
  const NEEDED = "import { value } from 'fast'; task('t', () => value());";

  it('of another version than the one that was bundled is refused', async () => {
    const there = (version: string): Files => ({
      'node_modules/fast/package.json': `{"name":"fast","version":"${version}"}`,
      'node_modules/fast/index.js': 'exports.value = () => "installed";',
    });
    const nothing = () => Promise.resolve();
    expect((await runElsewhere(using(NEEDED, {}), nothing, there('1.0.0'))).value).toBe('installed');
    expect((await runElsewhere(using(NEEDED, {}), nothing, there('1.0.1'))).value).toMatchObject({
      message: expect.stringMatching(/^fast 1\.0\.0 has.*version 1\.0\.1 is installed in .*node_modules\/fast\./),
    });
  });

  it('that is required in try/catch may be missing', async () => {
    const optional = {
      'node_modules/user/package.json': '{"name":"user"}',
      'node_modules/user/index.js':
        "let f; try { f = require('fast').value; } catch (e) { f = () => e.code; } exports.value = f;",
    };
    const code = "import { value } from 'user'; task('t', () => value());";
    expect((await runElsewhere(using(code, optional))).value).toBe('MODULE_NOT_FOUND');
  });

  it.each([
    ['a binding.gyp', { 'node_modules/fast/package.json': '{"name":"fast"}', 'node_modules/fast/binding.gyp': '{}' }],
    ['prebuilds', { 'node_modules/fast/package.json': '{"name":"fast"}', 'node_modules/fast/prebuilds/x': '' }],
    [
      'a package for each platform',
      { 'node_modules/fast/package.json': '{"name":"fast","optionalDependencies":{"@fast/linux-x64":"1"}}' },
    ],
    ['one who finds it', { 'node_modules/fast/package.json': '{"name":"fast","dependencies":{"bindings":"1"}}' }],
    [
      'the addon itself',
      {
        'node_modules/fast/package.json': '{"name":"fast"}',
        'node_modules/fast/index.js': "exports.value = () => require('./x.node');",
        'node_modules/fast/x.node': 'ELF',
      },
    ],
  ])('is known by %s', async (_, addon: Files) => {
    expect((await runElsewhere(using(NEEDED, addon))).value).toMatchObject({
      message: expect.stringMatching(/^fast .*has a native addon, so it is not in the bundle/),
    });
  });
});
