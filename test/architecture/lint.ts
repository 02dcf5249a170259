/** Runs the project's own lint rules on files that are not in the project. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

interface Diagnostic {
  readonly category: string;
  readonly message: string;
  readonly location: { readonly path: string };
}

/** `rule: message` of every complaint about each file, by path. Paths are the project's; the texts need not compile. */
export async function lintTexts(texts: Readonly<Record<string, string>>): Promise<Map<string, string[]>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'redex-lint-')));
  try {
    for (const part of ['biome.jsonc', 'lint', 'package.json', '.gitignore']) {
      await cp(join(ROOT, part), join(folder, part), { recursive: true });
    }
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [path, text] of Object.entries(texts)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const found = new Map<string, string[]>(Object.keys(texts).map((path) => [path, []]));
    for (const { category, message, location } of await lint(folder)) {
      found.get(location.path)?.push(`${category}: ${message}`);
    }
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function lint(folder: string): Promise<readonly Diagnostic[]> {
  const args = ['lint', '--reporter=json', '--max-diagnostics=none'];
  return new Promise((resolve, reject) => {
    execFile(
      join(ROOT, 'node_modules/.bin/biome'),
      args,
      { cwd: folder, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        try {
          resolve((JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics);
        } catch {
          reject(new Error(`Biome gave no report: ${stderr}`, { cause: error }));
        }
      },
    );
  });
}
