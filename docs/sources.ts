/** Files of the project, as the documents are made of them. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** Of a path in the project. */
export function pathOf(path: string): string {
  return join(ROOT, path);
}

export function textOf(path: string): string {
  return readFileSync(pathOf(path), 'utf8');
}

/** Paths in the project, sorted. */
export function filesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: ROOT }).sort();
}
