/** A project's workflows: where they are, what they are called. */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { type Bundle, bundleProgram } from '../core/host/bundle.ts';
import { isRecord } from '../core/values/guards.ts';
import type { Program } from '../core/values/program.ts';
import { messageOf } from '../core/values/thrown.ts';
import { UsageError } from './usage-error.ts';

/** Files that are bundled when the command line names none. */
const WORKFLOW_FILES = ['workflow.ts', 'workflows/**/workflow.ts'];

/** Of the project. */
export function workflowFiles(root: string): string[] {
  const files = globSync(WORKFLOW_FILES, { cwd: root, exclude: ['**/node_modules/**'] });
  return files.sort().map((file) => join(root, file));
}

interface BundleOptions {
  /** false: as if there were no redex.config.ts. */
  readonly configured?: boolean;
  /** Gets what the files print, and what is doubtful in them; default: standard error. */
  readonly log?: (text: string) => void;
}

/** The project's workflow files, or those given. Throws UsageError when there are none, or one is missing. */
export function bundleProject(
  root: string,
  files: readonly string[],
  profile: string | undefined,
  { configured = true, log }: BundleOptions = {},
): Promise<Bundle> {
  const config = configured ? configOf(root) : undefined;
  const entries = files.length > 0 ? files.map((file) => resolve(file)) : workflowFiles(root);
  if (entries.length === 0) {
    throw new UsageError(`there is no workflow in ${root}: looked for ${WORKFLOW_FILES.join(' and ')}`);
  }
  const missing = entries.find((entry) => !existsSync(entry));
  if (missing) throw new UsageError(`there is no file ${missing}`);
  return bundleProgram({
    entries,
    environment: process.env,
    ...(configured && { profile }),
    ...(config !== undefined && { config }),
    ...(log && { log }),
  });
}

function configOf(root: string): string | undefined {
  const config = join(root, 'redex.config.ts');
  return existsSync(config) ? config : undefined;
}

/** redex.config.ts by itself; undefined where there is none. Throws BundleError. */
export async function loadConfig(
  root: string,
  profile: string | undefined,
  log: (text: string) => void,
): Promise<Program | undefined> {
  const config = configOf(root);
  if (config === undefined && profile === undefined) return undefined;
  const given = config === undefined ? {} : { config };
  return (await bundleProgram({ entries: [], ...given, profile, environment: process.env, log })).program;
}

/**
 * The location that a path typed in `folder` means: below `root` relative to it, so that a call's hash does not depend
 * on where it was typed; else absolute. What has a scheme stays as it is.
 */
export function typedLocation(root: string, folder: string, typed: string): string {
  if (typed === '' || isAbsolute(typed) || /^[a-z][a-z0-9+.-]*:/i.test(typed) || resolve(root) === resolve(folder)) {
    return typed;
  }
  const path = resolve(folder, typed);
  const below = relative(root, path);
  const location = below === '..' || below.startsWith(`..${sep}`) ? path : below || '.';
  return typed.endsWith('/') && !location.endsWith('/') ? `${location}/` : location;
}

/** The JSON object in a file; `-` is the standard input. Throws UsageError. */
export function readArgsFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw new UsageError(`the arguments cannot be read from ${path}: ${messageOf(cause)}`, { cause });
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (isRecord(parsed)) return parsed;
  } catch (cause) {
    throw new UsageError(`${path} is not JSON: ${messageOf(cause)}`, { cause });
  }
  throw new UsageError(`${path} holds no JSON object`);
}
