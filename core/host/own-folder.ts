/** Where redex's own sources are: around this file, or around the program that it was linked into. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const IN_IT = join('core', 'index.ts');

/** The innermost folder with redex's sources around this code; throws where there are none, as in a function on AWS. */
export function ownFolder(): string {
  const self = fileURLToPath(import.meta.url);
  for (let folder = dirname(self); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, IN_IT))) return folder;
  }
  throw new Error(`redex's sources are not around ${self}`);
}
