/** Long scripts by their lines: what the engine keeps of a run has only their hashes. */

import { briefScript, LONG_SCRIPT } from '../values/brief.ts';
import { type Hash, parseHash } from '../values/ids.ts';
import { rootOf } from '../values/table.ts';
import { loadValue } from './objects.ts';
import type { Objects } from './ports.ts';

/** Scripts that are read at once. */
const SCRIPTS_MAX = 200;

/** The texts with the line that tells most in place of each long script's hash; where it cannot be had, the hash stays. */
export async function withScriptLines(objects: Objects, texts: readonly string[]): Promise<string[]> {
  const hashes = new Set(
    texts.flatMap((text) => [...text.matchAll(LONG_SCRIPT)].flatMap(([, hash]) => parseHash(hash) ?? [])),
  );
  const found = await Promise.all(
    [...hashes].slice(0, SCRIPTS_MAX).map(async (hash) => [hash, await lineOf(objects, hash)] as const),
  );
  const lines = new Map<string, string | undefined>(found);
  return texts.map((text) => text.replace(LONG_SCRIPT, (whole, hash: string) => lines.get(hash) ?? whole));
}

async function lineOf(objects: Objects, hash: Hash): Promise<string | undefined> {
  const value = await loadValue(objects, hash).catch(() => undefined);
  const script = value && rootOf(value);
  return typeof script === 'string' ? briefScript(script) : undefined;
}
