/** A workflow's declared parameters as flags of the command line. */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isRecord } from '../core/values/guards.ts';
import type { WorkflowInfo } from '../core/values/program.ts';
import { UsageError } from './usage-error.ts';

/** As much of JSON Schema as tells how a flag is read; the workflow's own schema checks the values. */
interface Schema {
  /** undefined where there are several. */
  readonly type: string | undefined;
  readonly format: string | undefined;
  readonly description: string | undefined;
  readonly default: unknown;
  readonly enum: readonly unknown[] | undefined;
  readonly items: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

function readSchema(given: unknown): Schema {
  const schema = isRecord(given) ? given : {};
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    type: textOf(schema.type),
    format: textOf(schema.format),
    description: textOf(schema.description),
    default: schema.default,
    enum: Array.isArray(schema.enum) ? schema.enum : undefined,
    items: schema.items,
    properties: isRecord(schema.properties) ? schema.properties : {},
    required: Array.isArray(schema.required) ? schema.required.map(String) : [],
  };
}

export type Parsed =
  | { readonly kind: 'arguments'; readonly args: Record<string, unknown> }
  | { readonly kind: 'help'; readonly text: string };

/** Gives the location, as the project understands it, of a file or directory as it was typed. */
type Locate = (typed: string) => string;

/** `samplesFile` and `samples_file` are both `samples-file`. */
export function flagName(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}

/**
 * Reads flags as the workflow's parameters declare them; `given` holds those that came in a file, which flags override.
 * Throws UsageError for unknown flags, malformed values and missing parameters.
 */
export function parseFlags(
  workflow: WorkflowInfo,
  words: readonly string[],
  given: Record<string, unknown>,
  locate: Locate = (text) => text,
): Parsed {
  const { properties, required } = readSchema(workflow.params);
  const keys = new Map<string, string>();
  let help: string | undefined;
  const command = new Command(`redex run ${workflow.name}`)
    .description(workflow.description ?? '')
    .usage('[--parameter value …]')
    .addHelpText('after', '\nredex run --help lists the options that every workflow takes.')
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({ writeOut: (text) => (help = (help ?? '') + text), writeErr: () => undefined });
  for (const [key, parameter] of Object.entries(properties)) {
    for (const option of optionsOf(key, readSchema(parameter), required.includes(key), locate)) {
      keys.set(option.attributeName(), key);
      command.addOption(option);
    }
  }
  try {
    command.parse(words, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.code === 'commander.helpDisplayed') return { kind: 'help', text: help ?? '' };
    throw new UsageError(`${thrown.message.replace(/^error: /, '')}\n${hint(workflow)}`, { cause: thrown });
  }
  const flags = Object.entries(command.opts()).map(([attribute, value]) => [keys.get(attribute) ?? attribute, value]);
  const args: Record<string, unknown> = { ...given, ...Object.fromEntries(flags) };
  const missing = required.filter((key) => args[key] === undefined);
  if (missing.length > 0) {
    const wanted = missing.map((key) => `--${flagName(key)}`).join(', ');
    throw new UsageError(`${workflow.name} needs ${wanted}\n${hint(workflow)}`);
  }
  return { kind: 'arguments', args };
}

/**
 * `given`: options of `redex run` that were typed, as `--tag`. Throws UsageError where one is a flag of the workflow too:
 * whoever typed it may have meant either.
 */
export function refuseAmbiguous(workflow: WorkflowInfo, given: readonly string[]): void {
  const { properties } = readSchema(workflow.params);
  for (const [key, parameter] of Object.entries(properties)) {
    const flag = optionsOf(key, readSchema(parameter), false, (text) => text).find(({ long }) =>
      given.includes(long ?? ''),
    )?.long;
    if (!flag) continue;
    throw new UsageError(
      `${flag} is an option of redex run and a parameter of ${workflow.name} (${key}): what stands after -- is the ` +
        `workflow's and what stands before it is redex run's, as in redex run ${workflow.name} -- ${flag} …; ` +
        'or give the parameter in a file, by --args-file',
    );
  }
}

function hint(workflow: WorkflowInfo): string {
  return `redex run ${workflow.name} --help lists its parameters.`;
}

function optionsOf(key: string, schema: Schema, isRequired: boolean, locate: Locate): Option[] {
  const flag = `--${flagName(key)}`;
  const described = [
    schema.description,
    isRequired ? 'required' : undefined,
    schema.default === undefined ? undefined : `default: ${JSON.stringify(schema.default)}`,
    schema.type === 'array' ? 'may be repeated' : undefined,
  ].filter((part) => part !== undefined);
  const description = described.join('; ');
  if (schema.type === 'boolean') {
    return [new Option(flag, description), new Option(flag.replace('--', '--no-'), `not ${flag}`)];
  }
  if (schema.type === 'array') {
    const { word, read } = readerOf(readSchema(schema.items), locate);
    const collect = (text: string, before: readonly unknown[] | undefined) => [...(before ?? []), read(text)];
    return [new Option(`${flag} <${word}>`, description).argParser(collect)];
  }
  const { word, read } = readerOf(schema, locate);
  return [new Option(`${flag} <${word}>`, description).argParser(read)];
}

interface Reader {
  /** What stands for the value in the help. */
  readonly word: string;
  read(text: string): unknown;
}

function readerOf(schema: Schema, locate: Locate): Reader {
  if (schema.enum) return choice(schema.enum);
  if (schema.format === 'redex-file') return { word: 'file', read: locate };
  if (schema.format === 'redex-dir') return { word: 'directory', read: locate };
  switch (schema.type) {
    case 'string':
      return { word: 'text', read: (text) => text };
    case 'number':
    case 'integer':
      return { word: schema.type, read: readNumber };
    case 'boolean':
      return choice([true, false]);
    case 'array':
    case 'object':
      return { word: 'json', read: readJson };
    default:
      // A union, or what JSON Schema cannot say: JSON where it is JSON, else the text itself.
      return { word: 'value', read: readValue };
  }
}

function choice(values: readonly unknown[]): Reader {
  const texts = values.map(String);
  return {
    word: texts.join('|'),
    read: (text) => {
      const at = texts.indexOf(text);
      if (at < 0) throw new InvalidArgumentError(`It must be one of ${texts.join(', ')}.`);
      return values[at];
    },
  };
}

function readNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || Number.isNaN(number)) throw new InvalidArgumentError('It must be a number.');
  return number;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw Object.assign(new InvalidArgumentError('It must be JSON.'), { cause });
  }
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
