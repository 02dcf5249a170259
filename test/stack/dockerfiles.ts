/** Every Dockerfile there is. */
import { globSync } from 'node:fs';
import { ROOT } from './template.ts';

const NOT_OURS = new Set(['node_modules', 'dist', '.venv', '.git']);

/** Paths from the project's folder. */
export function dockerfiles(): string[] {
  return globSync('**/*Dockerfile*', { cwd: ROOT, exclude: (name) => NOT_OURS.has(name) }).sort();
}
