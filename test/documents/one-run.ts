/** The run that core/README.md tells fact by fact. */
import { type File, file, task } from '../../core/index.ts';
import { playWorld } from '../support/play.ts';

const count = task('words.count', { version: '1', executor: 'batch' }, (text: File) => text.location.length);

const sum = task('words.sum', { version: '1' }, (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0));

export const main = task('words.main', { version: '1' }, (texts: readonly string[]) =>
  sum(texts.map((text) => count(file(text)))),
);

/** A world that has the texts. */
export function worldOfTexts(texts: readonly string[]): ReturnType<typeof playWorld> {
  const world = playWorld();
  for (const text of texts) world.files.versions.set(text, '1');
  return world;
}
