/** The one task that the runner carries out itself: `redex.script`. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrent } from '../../core/disk/concurrent.ts';
import { shortName } from '../../core/disk/short-names.ts';
import { FOLDER_MODE } from '../../core/disk/write.ts';
import { exitCodeHint } from '../../core/engine/exit-codes.ts';
import { TRANSFERS_AT_ONCE } from '../../core/files/concurrency.ts';
import { asText } from '../../core/files/names.ts';
import { checkUnchanged, stageIn } from '../../core/files/staging.ts';
import type { Stores } from '../../core/files/stores.ts';
import type { Table } from '../../core/values/table.ts';
import { codeOf, isErrno } from '../../core/values/thrown.ts';
import { type Finished, runCommand } from './command.ts';
import { JobFailure } from './failures.ts';
import type { Lifetime } from './lifetime.ts';
import type { JobOutput } from './output.ts';
import { takeOut, wantsStdout } from './outputs.ts';
import type { Usage } from './processes.ts';
import { readScript, type Script } from './script-arguments.ts';
import type { JobSecrets } from './secrets.ts';

/** A record may hold 10 MB, and other jobs have theirs. Quotas do not show but by writing. */
const ROOM_BYTES = 16 << 20;
/** In the working directory: out of the way of `*`. */
const INNER = '.redex';

/** What is measured on the way, also when the script fails. */
export interface ScriptMeasured {
  stagedInBytes: number;
  stagedOutBytes: number;
  exitCode?: number;
  usage?: Usage;
}

export interface ScriptJob {
  /** The executor's name of the job. */
  readonly id: string;
  readonly stores: Stores;
  /** Folder for working directories. */
  readonly work: string;
  /** How the working directory's name begins. */
  readonly name: string;
  /** The machine's part of the environment. */
  readonly machine: Readonly<Record<string, string>>;
  readonly secrets: JobSecrets;
  readonly lifetime: Lifetime;
  readonly measured: ScriptMeasured;
  /** Asked before anything leaves the working directory. */
  readonly stillOurs: () => Promise<boolean>;
  /** Of the script. */
  readonly output: JobOutput;
  /** Writes a line into the job's log. */
  readonly log: (line: string) => void;
}

/**
 * Stages in, runs, stages out, and gives the value of the outputs; 'lost' when the job is not ours any more. The
 * directory of a failed script is kept, unless it had secrets, which it may have written there.
 */
export async function runScript(args: Table, job: ScriptJob): Promise<Table | 'lost'> {
  const script = readScript(args);
  mkdirSync(job.work, { recursive: true, mode: FOLDER_MODE });
  const folder = mkdtempSync(join(job.work, `${job.name}-`));
  const isSecret = Object.keys(job.secrets.variables).length > 0;
  if (isSecret) job.lifetime.cleanups.add(() => rmSync(folder, { recursive: true, force: true }));
  let keep = false;
  try {
    return await carryOut(script, folder, job);
  } catch (thrown) {
    const failed = !job.lifetime.signal.aborted;
    keep = failed && !isSecret && (await hasRoom(job.work));
    if (failed && isSecret) job.log('the working directory is not kept: the job has secrets');
    else if (keep) job.log(`the working directory is kept: ${folder}`);
    else if (failed) job.log('the disk is full: the working directory is not kept');
    throw thrown;
  } finally {
    // Links are removed, not what they lead to. What a script made undeletable is no reason for it to have failed.
    if (!keep && !removedAtOnce(folder)) {
      await rm(folder, { recursive: true, force: true }).catch((thrown: Error) => {
        job.log(`the working directory cannot be removed: ${thrown.message}`);
      });
    }
  }
}

/** Whether the folder held nothing but what the runner made in it, and is gone. */
function removedAtOnce(folder: string): boolean {
  const inner = join(folder, INNER);
  try {
    for (const name of readdirSync(inner)) {
      if (name === 'home' || name === 'tmp') rmdirSync(join(inner, name));
      else unlinkSync(join(inner, name));
    }
    rmdirSync(inner);
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** Whether the disk has room for what is still to be written of a job beside the directory that it may leave. */
async function hasRoom(folder: string): Promise<boolean> {
  const probe = join(folder, `.room-${randomUUID()}`);
  try {
    // By chance, so that no file system makes little of it.
    await writeFile(probe, randomBytes(ROOM_BYTES));
    return true;
  } catch {
    return false;
  } finally {
    await rm(probe, { force: true });
  }
}

async function carryOut(script: Script, folder: string, job: ScriptJob): Promise<Table | 'lost'> {
  const { stores, measured, lifetime } = job;
  const here = asText(folder);
  const placed = await mapConcurrent(script.inputs, TRANSFERS_AT_ONCE, (input) =>
    stageIn(stores, input, here, lifetime.signal),
  );
  measured.stagedInBytes = placed.reduce((sum, { bytes }) => sum + bytes, 0);
  const { stdout = '' } = await run(script, folder, job);
  const linked = script.inputs.filter((_, index) => placed[index]?.linked);
  await mapConcurrent(linked, TRANSFERS_AT_ONCE, (input) => checkUnchanged(stores, input));
  if (!(await job.stillOurs())) return 'lost';
  const { value, bytes } = await takeOut(script.outputs, here, stores, stdout, lifetime.signal);
  measured.stagedOutBytes = bytes;
  return value;
}

async function run(script: Script, folder: string, job: ScriptJob): Promise<Finished> {
  const { id, machine, secrets, output, lifetime, measured } = job;
  const inner = join(folder, INNER);
  mkdirSync(inner, { mode: FOLDER_MODE });
  const { text, declared, outputs } = script;
  const { path: short, remove } = shortName(inner, id);
  lifetime.cleanups.add(remove);
  const command = { text, machine, secrets, output, declared, folder, inner, short, wantsStdout: wantsStdout(outputs) };
  const finished = await runCommand(command, lifetime)
    .catch((thrown) => {
      throw startFailure(text, thrown);
    })
    .finally(remove);
  lifetime.signal.throwIfAborted();
  measured.exitCode = finished.exitCode;
  measured.usage = finished.usage;
  if (finished.exitCode !== 0) throw exitFailure(finished);
  if (command.wantsStdout && finished.stdout === undefined) {
    const advice = 'the script wrote more than 10 MB to its standard output; write a file instead';
    throw new JobFailure('ScriptError', advice);
  }
  return finished;
}

function startFailure(text: string, thrown: unknown): unknown {
  if (!isErrno(thrown, 'ENOENT', 'EACCES', 'ENOEXEC')) return thrown;
  // Where it is not the script's interpreter, it is a tool of the runner's own.
  if (thrown instanceof Error && 'path' in thrown && thrown.path === 'mkfifo')
    return new JobFailure('ScriptError', `the runner needs the program ${thrown.path}, which is not here`);
  const interpreter = text.startsWith('#!') ? text.slice(2).split('\n', 1)[0]?.trim() : 'bash';
  return new JobFailure(
    'ScriptError',
    `the script cannot be started: is there a program ${interpreter} here? (${codeOf(thrown)})`,
  );
}

function exitFailure({ exitCode, stderrLast, commandsLast }: Finished): JobFailure {
  const said = stderrLast === '' ? ', and wrote nothing to its standard error' : `. Its last words:\n${stderrLast}`;
  const did = commandsLast === '' ? '' : `\nIts last commands:\n${commandsLast}`;
  return new JobFailure(
    'ScriptError',
    `the script ended with exit code ${exitCode}${exitCodeHint(exitCode)}${said}${did}`,
    {
      exitCode,
      stderr: stderrLast,
    },
  );
}
