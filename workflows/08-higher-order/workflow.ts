/**
 * Tasks are values: arguments, results, members of lists, partially applied. A task in a call's arguments counts by its
 * name, so that when one changes only its own calls run again.
 */
import { type Lazy, script, type Task, task, v } from '../../core/index.ts';

type Step = Task<[text: string], string>;

export const transform = task(
  'higher_order.transform',
  {
    description: 'Sends a text through steps that are chosen by name',
    params: v.object({
      text: v.optional(v.string(), 'never odd or even'),
      steps: v.optional(v.array(v.picklist(['reverse', 'upper', 'twice'])), ['reverse', 'upper', 'twice']),
    }),
  },
  ({ text, steps }) =>
    pipeline(
      steps.map((name) => step(name)),
      text,
    ),
);

/** Applies one step after the other: the steps are not known here, only what they take and give. */
const pipeline = task('higher_order.pipeline', {}, (steps: Step[], text: string): string | Lazy<string> => {
  const [first, ...rest] = steps;
  return first ? pipeline(rest, first(text)) : text;
});

/** A result may be a task, also one with some of its arguments given. */
const step = task('higher_order.step', {}, (name: 'reverse' | 'upper' | 'twice'): Step => {
  switch (name) {
    case 'reverse':
      return filter.partial('rev');
    case 'upper':
      return filter.partial("tr '[:lower:]' '[:upper:]'");
    case 'twice':
      return twice.partial(filter.partial("sed 's/$/!/'"));
  }
});

const twice = task('higher_order.twice', {}, (f: Step, text: string) => f(f(text)));

const filter = task('higher_order.filter', {}, (command: string, text: string) =>
  trimmed(script(`printf '%s\\n' "$TEXT" | ${command}`, { executor: 'batch', env: { TEXT: text } })),
);

const trimmed = task('higher_order.trimmed', {}, (output: string) => output.trim());
