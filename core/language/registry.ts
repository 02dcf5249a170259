/** The tasks of this bundle, by full name. Modules register theirs when they are loaded. */
import type { JobOptions } from '../values/program.ts';
import type { Params } from './params.ts';

/** What `task` was given. */
export interface TaskDefinition {
  readonly name: string;
  /** undefined for tasks that the runner carries out itself. */
  readonly fn: ((...args: never[]) => unknown) | undefined;
  readonly options: JobOptions;
  readonly version: string | undefined;
  readonly includes: readonly unknown[];
  readonly params: Params | undefined;
  readonly description: string | undefined;
  /** Made where the task was defined, for its stack. */
  readonly definedAt?: Error;
}

const definitions = new Map<string, TaskDefinition>();

/** Full names are words joined by dots: they are shown in tables and stand in hashes and error messages. */
const FULL_NAME = /^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$/;

/** Throws for a name that is taken or is no name; says what both definitions look like. */
export function register(definition: TaskDefinition): void {
  const { name } = definition;
  if (!FULL_NAME.test(name)) {
    throw new TypeError(
      `${JSON.stringify(name)} is no task name: write words joined by dots, such as 'bioinfo_batch.run_bwa'`,
    );
  }
  const other = definitions.get(name);
  if (other) throw new TypeError(`two tasks are named ${name}: ${shown(other)} and ${shown(definition)}`);
  definitions.set(name, definition);
}

function shown({ fn }: TaskDefinition): string {
  const text = String(fn).replace(/\s+/g, ' ');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

export function definitionOf(name: string): TaskDefinition | undefined {
  return definitions.get(name);
}

/** All definitions, sorted by name. */
export function allDefinitions(): TaskDefinition[] {
  return [...definitions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
