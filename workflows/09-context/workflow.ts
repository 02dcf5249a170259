/**
 * The context is what a whole run, or everything below one call, is told without passing it on by hand: which tools to
 * use, which language to speak. redex.config.ts and its profiles set it, `.options({ context })` overrides it below a call.
 */
import { context, script, task, text, v } from '../../core/index.ts';

export const greetings = task(
  'context.greetings',
  {
    description: 'Greets somebody in the language of the context, and in another one',
    params: v.object({ name: v.optional(v.string(), 'Ada') }),
  },
  ({ name }) => ({
    here: greet(name),
    there: greet.options({ context: { greeting: { word: 'Salut' } } })(name),
  }),
);

/**
 * `context` stands in an expression, so the body never sees it: two contexts are two jobs that share one run of this
 * function, and differ only in what its expression comes to.
 */
const greet = task('context.greet', {}, (name: string) =>
  trimmed(
    script('echo "$WORD, $NAME!"', {
      executor: 'batch',
      env: { WORD: text`${context('greeting.word', 'Hello')}`, NAME: name },
    }),
  ),
);

const trimmed = task('context.trimmed', {}, (output: string) => output.trim());
