/** Looks at a laptop: at the machine, at the project, and at the state that runs have left. Nothing is carried on. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isProcReadable } from '../../core/proc.ts';
import type { Program } from '../../core/values/program.ts';
import { workflowsOf } from '../../core/values/program.ts';
import { type Holder, holderOf } from '../../local/attach.ts';
import { machineCapacity } from '../../local/batch/capacity.ts';
import { dockerAnswers } from '../../local/batch/docker.ts';
import { tryDatabase } from '../../local/dynamodb.ts';
import { takeLock } from '../../local/lock.ts';
import { readDeadLetters } from '../../local/queue.ts';
import { cacheOf, databaseOf, deadLettersOf, ownerOf } from '../../local/settings.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { bundleProject, loadConfig, workflowFiles } from '../project.ts';
import { stateFolder } from '../session/where.ts';
import { counted } from './checks.ts';
import type { Inside, LaptopFacts, Loaded, StateFolder } from './laptop-checks.ts';

/** What the runner calls by name (docker/runner/command.ts), and what the local Batch starts it by (local/batch/reaper.ts). */
const PROGRAMS = ['bash', 'mkfifo', 'perl'];
/** Of a process that is starting or ending; after that it counts as silent. */
const HOLDER_MS_MAX = 3_000;

export interface Laptop {
  /** The project's folder. */
  readonly root: string;
  readonly profile?: string | undefined;
  /** Version of redex. */
  readonly redex: string;
  /** What jobs would inherit. */
  readonly environment?: NodeJS.ProcessEnv;
}

export async function lookAtLaptop(laptop: Laptop): Promise<LaptopFacts> {
  const { root, redex, environment = process.env } = laptop;
  const folder = stateFolder(root);
  const [project, state] = await Promise.all([lookAtProject(laptop), lookAtState(folder)]);
  const { vcpus, memoryMiB } = machineCapacity();
  const { bavail, bsize } = statfsSync(existsSync(folder) ? folder : root);
  return {
    root,
    folder,
    redex,
    node: process.versions.node,
    engines: packageJson.engines.node,
    platform: process.platform,
    missing: PROGRAMS.filter((name) => !isOnPath(name, environment.PATH ?? '')),
    procIsReadable: isProcReadable(),
    vcpus,
    memoryMiB,
    freeBytes: bavail * bsize,
    state,
    ...project,
    docker: project.imageNamers.length > 0 ? await dockerAnswers(environment) : undefined,
  };
}

function isOnPath(name: string, path: string): boolean {
  return path.split(delimiter).some((folder) => folder !== '' && isAllowed(join(folder, name), constants.X_OK));
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

async function lookAtState(folder: string): Promise<StateFolder | undefined> {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats) return undefined;
  const user = process.getuid?.();
  const writable = isAllowed(folder, constants.W_OK | constants.X_OK);
  // Two users' files in it would lock both out.
  const isOurs = user === undefined || stats.uid === user;
  return {
    owner: stats.uid,
    user,
    mode: stats.mode & 0o777,
    writable,
    inside: isOurs && writable ? await lookInside(folder) : undefined,
  };
}

async function lookInside(folder: string): Promise<Inside> {
  const file = deadLettersOf(folder);
  const deadLetters = { file, ...readDeadLetters(file) };
  try {
    const holder = await holderOf(folder, HOLDER_MS_MAX);
    return { holder, damage: holder.kind === 'nobody' ? await damageOf(folder) : undefined, deadLetters };
  } catch (error) {
    // The lock is a database, too.
    const holder: Holder = { kind: 'nobody', killed: undefined };
    return { holder, damage: reasonOf(error), deadLetters };
  }
}

/** What is wrong with the databases, which nobody has open. */
async function damageOf(folder: string): Promise<string | undefined> {
  const databases = [databaseOf(folder), cacheOf(folder)].filter((each) => existsSync(each));
  if (databases.length === 0) return undefined;
  const lock = await takeLock(ownerOf(folder));
  // Somebody has begun to work with it meanwhile.
  if (!lock) return undefined;
  try {
    for (const database of databases) await tryDatabase(database);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  } finally {
    await lock.release();
  }
}

/** LevelDB's own words are in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error ? cause.message : message;
}

async function lookAtProject({
  root,
  profile,
}: Laptop): Promise<Pick<LaptopFacts, 'config' | 'workflows' | 'executors' | 'imageNamers'>> {
  const [config, configured] = await loaded(
    () => loadConfig(root, profile, unheard),
    ({ executors }) => {
      const names = Object.keys(executors);
      return `redex.config.ts loads: ${counted(names.length, 'executor')}${listed(names)}`;
    },
  );
  const files = workflowFiles(root);
  const [workflows, program] = await loaded(
    async () => {
      if (files.length === 0) return undefined;
      // What is wrong with the configuration is said already.
      const options = { configured: config.kind !== 'fails', log: unheard };
      return (await bundleProject(root, [], profile, options)).program;
    },
    (made) => {
      const names = workflowsOf(made).map(({ name }) => name);
      return `${counted(files.length, 'file')} with ${counted(names.length, 'workflow')}${listed(names)}`;
    },
  );
  const executors = configured?.executors ?? {};
  const named = [executors, Object.fromEntries(taskOptions(program))];
  const imageNamers = named.flatMap((options) =>
    Object.entries(options).flatMap(([name, { image }]) => (image === undefined ? [] : [name])),
  );
  return { config, workflows, executors, imageNamers };
}

function taskOptions(program: Program | undefined) {
  return Object.entries(program?.tasks ?? {}).map(([name, { options }]) => [name, options] as const);
}

/** What authors' files print is no check. */
const unheard = (): void => undefined;

async function loaded(
  load: () => Promise<Program | undefined>,
  said: (program: Program) => string,
): Promise<readonly [Loaded, Program | undefined]> {
  try {
    const program = await load();
    return [program ? { kind: 'loads', said: said(program) } : { kind: 'none' }, program];
  } catch (error) {
    return [{ kind: 'fails', problem: error instanceof Error ? error.message : String(error) }, undefined];
  }
}

const LISTED_MAX = 5;

/** ` (a, b, …)`. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).join(', ');
  return names.length === 0 ? '' : ` (${shown}${names.length > LISTED_MAX ? ', …' : ''})`;
}
