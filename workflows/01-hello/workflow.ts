/** The smallest workflow: a task that calls two others, scripts that need nothing but a shell. */
import { dir, type File, file, script, task, v } from '../../core/index.ts';

export const sayHello = task(
  'hello.say_hello',
  {
    description: 'Writes a greeting and counts its letters',
    params: v.object({
      name: v.optional(v.pipe(v.string(), v.description('who is greeted')), 'world'),
      outputPath: v.pipe(v.string(), v.description('directory that greeting.txt is written to')),
    }),
  },
  ({ name, outputPath }) => {
    const greeting = greet(name, dir(outputPath).file('greeting.txt').location);
    return { greeting, letters: countLetters(greeting) };
  },
);

/** Writes the greeting to a file. The name reaches the script as data, not as a part of its text. */
export const greet = task('hello.greet', {}, (name: string, destination: string) =>
  script('printf "Hello, %s!\\n" "$NAME" > greeting.txt', {
    executor: 'batch',
    env: { NAME: name },
    outputs: file(destination).stage('greeting.txt'),
  }),
);

/** The number of letters in a file. */
export const countLetters = task('hello.count_letters', {}, async (text: File) => {
  const letters = (await text.text()).match(/\p{Letter}/gu) ?? [];
  return letters.length;
});
