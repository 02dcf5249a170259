/**
 * A script is any program, run as a job in an empty directory of its own: inputs are staged in under the names it reads,
 * outputs are staged out from the names it writes. What it is told in `env` it needs not quote.
 */
import { type File, file, script, task, v } from '../../core/index.ts';

export const countWords = task(
  'script.count_words',
  {
    description: 'Counts the words of a text',
    params: v.object({
      text: v.optional(v.pipe(v.file(), v.description('the text')), 'workflows/02-files/poem.txt'),
      least: v.optional(v.pipe(v.number(), v.description('words that occur less often are left out')), 2),
      outputPath: v.optional(v.pipe(v.string(), v.description('directory of the counts')), 'out/script'),
    }),
  },
  ({ text, least, outputPath }) => {
    const { counts } = count(text, `${outputPath}/counts.txt`);
    return { counts, frequent: frequent(counts, least) };
  },
);

/** Outputs come back in the shape they are declared in: files with their versions, `file('-')` as the text it is. */
const count = task('script.count', {}, (text: File, counts: string) =>
  script(
    `
      tr -cs '[:alpha:]' '\\n' < poem | tr '[:upper:]' '[:lower:]' | sort | uniq -c | sort -k1,1nr -k2 > counts
      wc -l < counts
    `,
    {
      executor: 'batch',
      inputs: [text.stage('poem')],
      outputs: { counts: file(counts).stage('counts'), different: file('-') },
    },
  ),
);

/** The first line names the interpreter; without one it is bash, which stops at the first command that fails. */
const frequent = task('script.frequent', {}, (counts: File, least: number) =>
  script(
    `
      #!/usr/bin/awk -f
      BEGIN { while ((getline < "counts") > 0) if ($1 >= ENVIRON["LEAST"]) print $2 }
    `,
    { executor: 'batch', inputs: [counts.stage('counts')], env: { LEAST: String(least) } },
  ),
);
