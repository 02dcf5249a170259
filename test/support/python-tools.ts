/** Programs that test/python-tools.sh installs. What needs one that is not there is skipped, with one line that says so. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../.venv/bin');

/** The program's path; undefined, and said, where it is not installed. */
export function pythonTool(name: string): string | undefined {
  const path = join(FOLDER, name);
  if (existsSync(path)) return path;
  process.stderr.write(`${name} is not installed: what needs it is skipped. test/python-tools.sh installs it.\n`);
  return undefined;
}
