/** The template tag for scripts. */
import type { Filling } from '../values/shell.ts';
import { apply } from './lazy.ts';
import type { Lazy, Lift } from './types.ts';

type Word = string | number | bigint | { readonly location: string };

/** Text that `sh` takes as it is. */
class Raw {
  readonly text: Lift<string>;

  constructor(text: Lift<string>) {
    this.text = text;
  }
}

/** Shell text, or the lines of a here-document, for `sh`: put in as it is, its lines indented like the place where it stands. */
export function raw(text: Lift<string>): Raw {
  return new Raw(text);
}

type Part = Lift<Word> | Lift<readonly Word[]> | readonly Lift<Word>[] | Raw;

/**
 * A script as a template: sh`samtools sort -@ ${threads} ${name}.bam`. A value becomes one word that means itself,
 * whatever it holds (quoted where it must be), a list one word an element; a file is its location. raw(…) is put in as it
 * is.
 */
export function sh(parts: TemplateStringsArray, ...filled: readonly Part[]): Lazy<string> {
  const fillings = filled.map((part): Filling => (part instanceof Raw ? 'raw' : 'word'));
  const values = filled.map((part) => (part instanceof Raw ? part.text : part));
  return apply('sh', [...parts], fillings, ...values);
}
