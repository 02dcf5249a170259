/** core/README.md tells a run fact by fact: this one. */
import { expect, it } from 'vitest';
import { textOf } from '../../docs/sources.ts';
import { play, start } from '../support/play.ts';
import { main, worldOfTexts } from './one-run.ts';

const README = textOf('core/README.md');
const TEXTS = ['cat.txt', 'dog.txt'];

async function factsOf(world: ReturnType<typeof worldOfTexts>): Promise<(readonly [number, string])[]> {
  const run = await start(world, main(TEXTS));
  await play(world, run);
  const entries = await world.journal.readAfter(run, 0);
  return entries.flatMap(({ sequence, facts }) => facts.map(({ type }) => [sequence, type] as const));
}

it('core/README.md tells each fact of the run, entry by entry, and those of the same run again', async () => {
  const world = worldOfTexts(TEXTS);
  const told = [...README.matchAll(/^\| (\d) \| `(\w+)` \|/gm)].map(([, entry, fact]) => [Number(entry), fact]);
  expect(await factsOf(world)).toEqual(told);
  const again = (await factsOf(world)).map(([entry, fact]) => `${entry} ${fact}`);
  expect(
    Map.groupBy(again, (fact) => fact)
      .entries()
      .map(([fact, all]) => `${fact} × ${all.length}`)
      .toArray(),
  ).toEqual(['1 started × 1', '2 reused × 4', '2 observed × 2', '2 ended × 1']);
});

it('core/README.md has the workflow as it is run', () => {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
  expect(textOf('test/documents/one-run.ts')).toContain(code);
});
