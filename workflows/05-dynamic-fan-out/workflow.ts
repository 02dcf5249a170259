/**
 * How many calls there are may depend on data that a run has yet to find: `map` applies a task to each element of a list
 * that is itself lazy. Each element's chain goes on by itself; only what takes the whole list waits for all of it.
 */
import { type File, join, map, script, task, text, v } from '../../core/index.ts';

export const longestWords = task(
  'dynamic_fan_out.longest_words',
  {
    description: 'Finds the longest word of each line, however many lines there are',
    params: v.object({
      text: v.optional(v.pipe(v.file(), v.description('the text')), 'workflows/02-files/poem.txt'),
    }),
  },
  ({ text: poem }) => {
    const words = map(longestWord, split(poem));
    return { words, sentence: text`${join(words, ', ')}.` };
  },
);

/** The list that nobody knows before this ran. */
const split = task('dynamic_fan_out.split', {}, async (input: File) => (await input.text()).trimEnd().split('\n'));

const longestWord = task('dynamic_fan_out.longest_word', {}, (line: string) =>
  trimmed(
    script(
      `tr -cs '[:alpha:]' '\\n' <<< "$LINE" | awk '{ print length, $0 }' | sort -k1,1nr -s | head -n 1 | cut -d ' ' -f 2`,
      {
        executor: 'batch',
        env: { LINE: line },
      },
    ),
  ),
);

const trimmed = task('dynamic_fan_out.trimmed', {}, (output: string) => output.trim());
