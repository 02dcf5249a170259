/** What `redex.script` is given, as the runner carries it out. */
import { join } from 'node:path';
import type { Input } from '../../core/files/staging.ts';
import { decode } from '../../core/values/decode.ts';
import { leafIn, nodeAt, recordIn, stageIn } from '../../core/values/nodes.ts';
import { at } from '../../core/values/present.ts';
import { type ScriptSettings, scriptArgumentsIn } from '../../core/values/script-arguments.ts';
import { checkStageNames } from '../../core/values/staging.ts';
import { type Index, subtable, type Table } from '../../core/values/table.ts';

export interface Script {
  readonly text: string;
  /** Environment variables that its author declares. */
  readonly declared: Readonly<Record<string, string>>;
  readonly inputs: readonly Input[];
  /** As they were written: with places, and marks for stdout. */
  readonly outputs: Table;
}

export function readScript(args: Table): Script {
  const given = scriptArgumentsIn(args);
  if (!given) throw new Error('a script has a text, inputs, outputs and settings');
  const text = nodeAt(args, given.text);
  if (typeof text !== 'string') throw new Error("a script's text is a string");
  const inputs = inputsOf(subtable(args, given.inputs));
  checkNames(inputs);
  return { text, declared: declaredIn(args, given.settings), inputs, outputs: subtable(args, given.outputs) };
}

function declaredIn(args: Table, settings: Index): Record<string, string> {
  const env = fieldsOf(args, settings).get('env' satisfies keyof ScriptSettings);
  const variables = env === undefined ? [] : [...fieldsOf(args, env)];
  return Object.fromEntries(
    variables.flatMap(([name, index]) => {
      const value = plain(subtable(args, index));
      return value === undefined || value === null ? [] : [[name, String(value)]];
    }),
  );
}

/** Where the values of a record are; of what is no record there are none. */
function fieldsOf(table: Table, index: Index): Map<string, Index> {
  const { keys = [], values = [] } = recordIn(nodeAt(table, index)) ?? {};
  return new Map(keys.map((key, field) => [key, at(values, field)]));
}

function plain(table: Table): unknown {
  const refuse = (): never => {
    throw new Error("a script's settings are plain values");
  };
  return decode(table, { task: refuse, expression: refuse });
}

function inputsOf(table: Table): Input[] {
  return table.flatMap((node): Input[] => {
    const staged = stageIn(node);
    const source = staged && leafIn(nodeAt(table, staged.source));
    return staged && source ? [{ ...source, name: staged.name, how: staged.how }] : [];
  });
}

/** Beside what the language refuses: a name below another would be staged into somebody's directory, through the link. */
function checkNames(inputs: readonly Input[]): void {
  checkStageNames('inputs', inputs);
  const paths = inputs.map(({ name }) => `${join(name, '.')}/`);
  for (const [inner, path] of paths.entries()) {
    const outer = paths.findIndex((other, index) => index !== inner && path.startsWith(other));
    if (outer < 0) continue;
    const [inside, around] = [inputs[inner], inputs[outer]];
    throw new TypeError(
      `inputs: ${inside?.location} is staged as ${JSON.stringify(inside?.name)}, inside of what ${around?.location} is staged as`,
    );
  }
}
