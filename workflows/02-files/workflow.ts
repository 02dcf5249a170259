/**
 * Files are values. A file in a call's arguments counts by its version, so a changed one runs its readers again, and
 * nothing else; a file in a result is made again when it is gone or was altered.
 */
import { type File, file, task, v } from '../../core/index.ts';

export const countLines = task(
  'files.count_lines',
  {
    description: 'Writes how many lines a text has, and its longest one',
    params: v.object({
      text: v.optional(v.pipe(v.file(), v.description('the text')), 'workflows/02-files/poem.txt'),
      outputPath: v.optional(v.pipe(v.string(), v.description('directory of the report')), 'out/files'),
    }),
  },
  ({ text, outputPath }) => {
    const found = { lines: lines(text), longest: longest(text) };
    return { ...found, report: report(found, `${outputPath}/report.json`) };
  },
);

/** The body gets the file itself, and may read it. */
const lines = task('files.lines', {}, async (input: File) => (await input.text()).trimEnd().split('\n').length);

const longest = task('files.longest', {}, async (input: File) => {
  const all = (await input.text()).split('\n');
  return all.reduce((a, b) => (b.length > a.length ? b : a), '');
});

/** `write` gives the file with its version. What writes large files belongs in a job: `{ executor: 'batch' }`. */
const report = task('files.report', {}, (found: { lines: number; longest: string }, destination: string) =>
  file(destination).write(`${JSON.stringify(found, null, 2)}\n`),
);
