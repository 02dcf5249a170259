/** What `redex.script` is given: [text, inputs, outputs, settings]. */
import { join } from 'node:path';
import type { Input } from '../../core/files/staging.ts';
import { decode } from '../../core/values/decode.ts';
import { checkStageNames } from '../../core/values/staging.ts';
import { rootOf, subtable, type Table } from '../../core/values/table.ts';

export interface Script {
  readonly text: string;
  /** Environment variables that its author declares. */
  readonly declared: Readonly<Record<string, string>>;
  readonly inputs: readonly Input[];
  /** As they were written: with places, and marks for stdout. */
  readonly outputs: Table;
}

export function readScript(args: Table): Script {
  const root = rootOf(args);
  if (root === null || typeof root !== 'object' || root[0] !== 'list')
    throw new Error('a script has a list of arguments');
  const [text, inputs, outputs, settings] = root[1].map((index) => subtable(args, index));
  if (!text || !inputs || !outputs) throw new Error('a script has a text, inputs and outputs');
  const { env = {} } = ((settings && plain(settings)) ?? {}) as { env?: Record<string, unknown> };
  const declared = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, String(value)] as const],
  );
  const staged = inputsOf(inputs);
  checkNames(staged);
  return { text: plain(text) as string, declared: Object.fromEntries(declared), inputs: staged, outputs };
}

function plain(table: Table): unknown {
  const refuse = (): never => {
    throw new Error("a script's text and settings are plain values");
  };
  return decode(table, { task: refuse, expression: refuse });
}

function inputsOf(table: Table): Input[] {
  return table.flatMap((node): Input[] => {
    if (node === null || typeof node !== 'object' || node[0] !== 'stage') return [];
    const source = table[node[1]];
    if (source === null || typeof source !== 'object' || (source[0] !== 'file' && source[0] !== 'dir')) return [];
    return [{ kind: source[0], location: source[1], version: source[2], name: node[2], how: node[3] }];
  });
}

/** Beside what the language refuses: a name below another would be staged into somebody's directory, through the link. */
function checkNames(inputs: readonly Input[]): void {
  checkStageNames('inputs', inputs);
  const paths = inputs.map(({ name }) => `${join(name, '.')}/`);
  for (const [at, path] of paths.entries()) {
    const outer = paths.findIndex((other, index) => index !== at && path.startsWith(other));
    if (outer < 0) continue;
    const [inside, around] = [inputs[at], inputs[outer]];
    throw new TypeError(
      `inputs: ${inside?.location} is staged as ${JSON.stringify(inside?.name)}, inside of what ${around?.location} is staged as`,
    );
  }
}
