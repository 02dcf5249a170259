/** Scripts: any program, run in an empty directory with its inputs in place, whose outputs are copied out afterwards. */
import { type Dir, type File, Place, Staging } from '../values/classes.ts';
import { isRecord } from '../values/guards.ts';
import { clashOf, clashText, type Target } from '../values/places.ts';
import { SCRIPT_TASK } from '../values/program.ts';
import { type ScriptSettings, scriptArguments } from '../values/script-arguments.ts';
import { argvText, dedent } from '../values/shell.ts';
import { checkStageNames, placeOf } from '../values/staging.ts';
import { callable } from './callable.ts';
import { hasLazy } from './concrete.ts';
import { file, type StdoutFile } from './files.ts';
import { apply, isLazy } from './lazy.ts';
import type { CallOptions, Lazy, Lift } from './types.ts';

/** What a script's outputs come back as: staging pairs as the File or Dir they go to, `file('-')` as the output's text. */
export type ScriptResult<O> = O extends StdoutFile
  ? string
  : O extends Staging<infer Source>
    ? Source
    : O extends Lazy<infer V>
      ? ScriptResult<V>
      : O extends File | Dir | string | number | boolean | bigint | null | undefined | Date | Uint8Array
        ? O
        : O extends object
          ? { -readonly [K in keyof O]: ScriptResult<O[K]> }
          : O;

export interface ScriptOptions<O> extends CallOptions {
  /** Any nesting of staging pairs, which are in place when the script starts. Other files are only waited for. */
  readonly inputs?: unknown;
  /** Any nesting of staging pairs, files the script writes in place, `file('-')`, and values that pass through. */
  readonly outputs?: O;
  readonly env?: Readonly<Record<string, Lift<string>>>;
}

/**
 * Runs a script: by default under `bash -eo pipefail`, else as its first line `#!…` says. A list of words is one command, quoted.
 * Without `outputs` its value is what it wrote to standard output. Throws at once for stage names that cannot be (equal, absolute, climbing), and for two outputs to one place.
 */
export function script<const O = StdoutFile>(
  text: Lift<string> | readonly Lift<string | number | File>[],
  options: ScriptOptions<O> = {},
): Lazy<ScriptResult<O>> {
  const { inputs = [], outputs = file('-'), env, ...callOptions } = options;
  checkStageNames('inputs', stageNames(inputs));
  const places = outputPlaces(outputs);
  checkStageNames('outputs', stageNames(places));
  const clash = clashOf(targetsOf(places));
  if (clash) throw new TypeError(clashText(clash));
  const call = callable<unknown[], ScriptResult<O>>(
    SCRIPT_TASK,
    [],
    Object.keys(callOptions).length > 0 ? callOptions : undefined,
  );
  const settings: ScriptSettings = env === undefined ? {} : { env };
  return call(...scriptArguments({ text: scriptText(text), inputs, outputs: places, settings }));
}

function scriptText(text: unknown): unknown {
  if (isLazy(text)) return apply('dedent', text);
  if (typeof text === 'string') return dedent(text);
  if (!Array.isArray(text)) throw new TypeError('a script is a text or a list of words');
  return hasLazy(text) ? apply('argv', text) : argvText(text);
}

/** Outputs as the runner reads them; what is lazy becomes a place when it is known. */
function outputPlaces(value: unknown): unknown {
  if (isLazy(value)) return apply('outputs', value);
  if (Array.isArray(value)) return value.map(outputPlaces);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, outputPlaces(part)]));
  return placeOf(value);
}

/** The stage names that are known now. */
function stageNames(value: unknown): { name: string; location: string }[] {
  if (isLazy(value)) return [];
  if (value instanceof Staging) return [{ name: value.name, location: value.source.location }];
  if (value instanceof Place) return value.name === undefined ? [] : [{ name: value.name, location: value.location }];
  if (Array.isArray(value)) return value.flatMap(stageNames);
  return isRecord(value) ? Object.values(value).flatMap(stageNames) : [];
}

/** The places to fill that are known now. */
function targetsOf(value: unknown): Target[] {
  if (isLazy(value)) return [];
  if (value instanceof Place) return [{ location: value.location, name: value.name ?? null }];
  if (Array.isArray(value)) return value.flatMap(targetsOf);
  return isRecord(value) ? Object.values(value).flatMap(targetsOf) : [];
}
