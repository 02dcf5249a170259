/**
 * What a new stack is tried with: stack/README.md says in which order, and what must be seen. Nothing but bash and coreutils is
 * needed, so that the runner's own image does.
 */
import { type File, file, script, task, v } from '../../core/index.ts';

const executor = v.optional(v.pipe(v.string(), v.description('whose jobs')), 'batch');

export const large = task(
  'checklist.large',
  {
    description: 'Writes a file in two parts, and reads it again in another job: both digests must be equal',
    params: v.object({ outputPath: v.pipe(v.string(), v.description('directory of the file')) }),
  },
  ({ outputPath }) => {
    const { written, digest } = write(`${outputPath}/large.bin`);
    return { written, digest, read: read(written) };
  },
);

/** 11 MiB are more than one part of an upload. */
const write = task('checklist.write', {}, (place: string) =>
  script(
    `
      head -c ${11 * 1024 * 1024} /dev/zero | tr '\\0' r > large.bin
      sha256sum < large.bin
    `,
    { executor: 'batch', outputs: { written: file(place).stage('large.bin'), digest: file('-') } },
  ),
);

const read = task('checklist.read', {}, (input: File) =>
  script('sha256sum < input', { executor: 'batch', inputs: [input.stage('input')] }),
);

export const three = task(
  'checklist.three',
  { description: 'Three equal jobs: one array', params: v.object({ executor }) },
  (options) => [1, 2, 3].map((n) => say(n, options.executor)),
);

const say = task('checklist.say', {}, (n: number, executor: string) =>
  script('echo "job $N on $(uname -m)"', { executor, env: { N: String(n) } }),
);

export const wait = task(
  'checklist.wait',
  {
    description: 'One job that takes its time: to be cancelled, or to lose its machine',
    params: v.object({ seconds: v.optional(v.number(), 300), executor }),
  },
  (options) => sleep(options.seconds, options.executor),
);

const sleep = task('checklist.sleep', {}, (seconds: number, executor: string) =>
  script('sleep "$SECONDS_TO_SLEEP"; echo slept', { executor, env: { SECONDS_TO_SLEEP: String(seconds) } }),
);

export const missing = task(
  'checklist.missing',
  {
    description: 'Reads a file that must not be there: it must be said to be missing, and not to be refused',
    params: v.object({ input: v.file() }),
  },
  ({ input }) => read(input),
);
