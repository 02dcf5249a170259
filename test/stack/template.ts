/** The template as `npm run package` makes it, without an account and without a network. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's own shape, which the tests look into.
  readonly Properties: any;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Outputs: Readonly<Record<string, unknown>>;
}

/** What the framework looks at. It is not run in the project itself, where two at once would take each other's template. */
const FILES = ['serverless.yml', 'package.json'];
const FOLDERS = ['stack', 'dist', 'node_modules'];

/** Of a deployment with these parameters. */
export function packaged(parameters: Readonly<Record<string, string>> = {}): Template {
  const folder = mkdtempSync(join(tmpdir(), 'redex-package-'));
  try {
    for (const name of FILES) copyFileSync(join(ROOT, name), join(folder, name));
    for (const name of FOLDERS) symlinkSync(join(ROOT, name), join(folder, name));
    const given = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
    // No account, and no way to one.
    const env = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' };
    const serverless = join(ROOT, 'node_modules/serverless/bin/serverless.js');
    execFileSync(process.execPath, [serverless, 'package', ...given], { cwd: folder, env, stdio: 'pipe' });
    const made = join(folder, '.serverless/cloudformation-template-update-stack.json');
    return JSON.parse(readFileSync(made, 'utf8')) as Template;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function ofType({ Resources }: Template, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(Resources).filter(([, resource]) => resource.Type === type);
}
