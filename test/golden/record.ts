/**
 * Records journals that do not exist yet: `node test/golden/record.ts`. One that exists is never written again: what it
 * folds to is a promise. A new meaning is a new fact type, and a new recording beside the old ones.
 */
import type { RunId } from '../../core/values/ids.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RECORDINGS } from './programs.ts';
import { folded } from './summary.ts';

for (const [name, record] of Object.entries(RECORDINGS)) {
  const path = join(import.meta.dirname, `${name.replaceAll(' ', '-')}.json`);
  const world = await record();
  const entries = await world.journal.readAfter('golden' as RunId, 0);
  const lines = entries.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  const text = `{\n  "folded": ${JSON.stringify(folded(entries))},\n  "entries": [\n${lines}\n  ]\n}\n`;
  try {
    writeFileSync(path, text, { flag: 'wx' });
    console.log(`${path}: ${entries.length} entries`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    console.log(`${path}: recorded before`);
  }
}
