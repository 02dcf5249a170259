import { expect, it } from 'vitest';
import { putLarge } from '../../core/engine/objects.ts';
import { withScriptLines } from '../../core/engine/script-lines.ts';
import { script } from '../../core/index.ts';
import { briefArguments } from '../../core/values/brief.ts';
import { spillParts } from '../../core/values/contents.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import { listOf, type Node, subtable, type Table } from '../../core/values/table.ts';
import { playWorld } from '../support/play.ts';

/** What the engine has of a script, and what it put into the store. */
function given(text: string): { brief: string; large: ReadonlyMap<never, Table> } {
  const table = encode(script(text));
  const call = table.at(-1) as Extract<Node, readonly ['call', ...unknown[]]>;
  const { table: args, large } = spillParts(listOf(call[2].map((index) => subtable(table, index))));
  return { brief: briefArguments('redex.script', args), large: large as ReadonlyMap<never, Table> };
}

const LONG = `#!/bin/bash\n# a comment\nbwa mem ref.fa --token=hunter2\n${'echo more\n'.repeat(500)}`;

it('a long script is named by its line, which the store has, and never by a secret', async () => {
  const { objects } = playWorld();
  const { brief, large } = given(LONG);
  expect(brief).toMatch(/^<script [0-9a-f]{40}>$/);
  await putLarge(objects, large);
  expect(await withScriptLines(objects, [`one ${brief} two`, brief])).toEqual([
    'one "bwa mem ref.fa --token=…" two',
    '"bwa mem ref.fa --token=…"',
  ]);
});

it('a long script that the store has no more keeps its hash, and so does what is no script', async () => {
  const { objects } = playWorld();
  const { brief } = given(LONG);
  expect(await withScriptLines(objects, [`one ${brief}`])).toEqual([`one ${brief}`]);
  const other = encode(Array.from({ length: 1000 }, (_, at) => at));
  const hash = digest('value', 'other');
  await putLarge(objects, new Map([[hash, other]]));
  expect(await withScriptLines(objects, [`<script ${hash}>`])).toEqual([`<script ${hash}>`]);
});

it('a short script needs no store', async () => {
  expect(given('bwa mem\n').brief).toBe('"bwa mem"');
  expect(await withScriptLines(playWorld().objects, ['no script at all'])).toEqual(['no script at all']);
});
