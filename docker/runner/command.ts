/** Runs one script to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import { isErrno } from '../../core/values/thrown.ts';
import { JobFailure } from './failures.ts';
import type { Lifetime } from './lifetime.ts';
import type { JobOutput } from './output.ts';
import { openPipes, type ScriptPipe } from './pipes.ts';
import { type JobProcesses, type Usage, watchUsage } from './processes.ts';
import { type HidingStream, type JobSecrets, secretsOf } from './secrets.ts';
import { openHereDocument, type Trace, traceIn } from './trace.ts';

/** What stdout may hold when it is a result. */
const STDOUT_BYTES_MAX = 10_000_000;
/** What a pipe may hold, as Linux lets programs ask for without being root. */
const PIPE_BYTES_MAX = 1 << 20;
/** What is in a pipe is read at once. */
const IDLE_MS = 500;
const STDERR_LINES_KEPT = 20;
const STDERR_BYTES_KEPT = 8192;

/** Without a first line that names an interpreter, or with one that names a shell of bash's language. */
const SHELL_SCRIPT = /^(?!#!)|^#!.*\b(ba|da)?sh\b/;

export interface Command {
  readonly text: string;
  /** The machine's part of the environment, and what the script's author declares. */
  readonly machine: Readonly<Record<string, string>>;
  readonly declared: Readonly<Record<string, string>>;
  readonly secrets: JobSecrets;
  /** Gets what it writes, without secrets. */
  readonly output: JobOutput;
  /** The working directory. */
  readonly folder: string;
  /** For the script itself and for its HOME and TMPDIR; in the working directory. */
  readonly inner: string;
  /** Another name of that folder, short enough for sockets. */
  readonly short: string;
  readonly wantsStdout: boolean;
}

export interface Finished {
  readonly exitCode: number;
  /** undefined: more than can be a result. */
  readonly stdout: string | undefined;
  readonly stderrLast: string;
  /** The last commands of a bash script that failed. */
  readonly commandsLast: string;
  readonly usage: Usage;
}

/** Rejects when the script cannot be started. */
export async function runCommand(command: Command, lifetime: Lifetime): Promise<Finished> {
  const file = join(command.inner, 'script');
  // Nothing else is done here meanwhile, and small steps take several times as long when others are to take them.
  for (const name of ['home', 'tmp']) mkdirSync(join(command.inner, name));
  writeFileSync(file, command.text, { mode: 0o755 });
  const isPlain = !command.text.startsWith('#!');
  const [program, args]: [string, string[]] = isPlain ? ['bash', ['-eo', 'pipefail', file]] : [file, []];
  const trace = isPlain ? traceIn(command.inner) : undefined;
  const mayHaveText = SHELL_SCRIPT.test(command.text) && command.text.includes('<<');
  const unended = mayHaveText ? await openHereDocument(file, command.machine.PATH) : undefined;
  if (unended !== undefined) throw new JobFailure('ScriptError', unended);
  const pipes = await openPipes(command.inner, command.machine.PATH);
  try {
    return await runBetween(pipes, [program, args], { ...command, trace }, lifetime);
  } finally {
    for (const pipe of pipes) pipe.release();
  }
}

/** What bash is told by `trace` is among its variables. */
interface TracedCommand extends Command {
  readonly trace: Trace | undefined;
}

async function runBetween(
  [stdout, stderr]: readonly [ScriptPipe, ScriptPipe],
  [program, args]: readonly [string, readonly string[]],
  { machine, folder, short, declared, secrets, output, wantsStdout, trace }: TracedCommand,
  lifetime: Lifetime,
): Promise<Finished> {
  lifetime.signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      ...machine,
      LANG: 'C.UTF-8',
      HOME: join(short, 'home'),
      TMPDIR: join(short, 'tmp'),
      ...trace?.variables,
      ...secrets.variables,
      ...declared,
    },
    stdio: ['ignore', stdout.writer, stderr.writer],
    // `kill 0`, with which scripts end what they have started, is not for the runner.
    detached: lifetime.scriptsApart,
  });
  if (child.pid !== undefined && lifetime.scriptsApart) lifetime.processes.addGroup(child.pid);
  const usage = watchUsage(lifetime.processes);
  for (const { writer } of [stdout, stderr]) closeSync(writer);
  const [result, lastWords] = [wantsStdout ? firstBytes() : undefined, lastBytes()];
  const forwarded = [
    forward(stdout.reader, output.out, secrets.stream(), { whole: result }),
    forward(stderr.reader, output.err, secrets.stream(), { hidden: lastWords }),
  ];
  const exitCode = await endOf(child, lifetime.processes);
  // What its pipes hold now is the last of its words.
  for (const { reader } of [stdout, stderr]) endWhenIdle(reader);
  await Promise.all(forwarded);
  const unspoken = secretsOf({ ...secrets.variables, ...declared });
  const commandsLast = exitCode === 0 ? '' : ((await trace?.last(unspoken.hide)) ?? '');
  const stderrLast = lastLines(lastWords.bytes());
  return { exitCode, stdout: decoded(result?.bytes()), stderrLast, commandsLast, usage: usage() };
}

/** What the script left running ends with it. */
async function endOf(script: ChildProcess, processes: JobProcesses): Promise<number> {
  try {
    return await exitCodeOf(script);
  } finally {
    await processes.end();
  }
}

/**
 * Ends the reading of a pipe that has no more to give, also where one that cannot be killed keeps it open, or goes on
 * writing.
 */
function endWhenIdle(reader: Socket): void {
  const { bytesRead } = reader;
  let before = bytesRead;
  const timer = setInterval(() => {
    const idle = reader.bytesRead === before && reader.readableLength === 0;
    before = reader.bytesRead;
    if (idle || before - bytesRead > PIPE_BYTES_MAX) reader.destroy();
  }, IDLE_MS);
  reader.once('close', () => clearInterval(timer));
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? os.signals[signal] : 0)));
  });
}

/** Keeps a part of what passes; undefined when the part would be too large. */
interface OutputBuffer {
  append(chunk: Buffer): void;
  bytes(): Buffer | undefined;
}

function firstBytes(): OutputBuffer {
  let held: Buffer[] | undefined = [];
  let bytes = 0;
  return {
    append(chunk) {
      bytes += chunk.byteLength;
      if (bytes > STDOUT_BYTES_MAX) held = undefined;
      held?.push(chunk);
    },
    bytes: () => held && Buffer.concat(held),
  };
}

function lastBytes(): OutputBuffer {
  let held = Buffer.alloc(0);
  return {
    append(chunk) {
      held = Buffer.concat([held, chunk.subarray(-STDERR_BYTES_KEPT)]).subarray(-STDERR_BYTES_KEPT);
    },
    bytes: () => held,
  };
}

/** `whole` gets what comes as it is, `hidden` what is written. */
async function forward(
  from: Socket,
  to: JobOutput['out'],
  hiding: HidingStream,
  { whole, hidden }: { readonly whole?: OutputBuffer | undefined; readonly hidden?: OutputBuffer },
): Promise<void> {
  const write = async (chunk: Buffer): Promise<void> => {
    hidden?.append(chunk);
    await to(chunk);
  };
  try {
    for await (const chunk of from) {
      whole?.append(chunk);
      await write(hiding.push(chunk));
    }
  } catch (thrown) {
    // It was ended because nothing more came.
    if (!isErrno(thrown, 'ERR_STREAM_PREMATURE_CLOSE')) throw thrown;
  }
  await write(hiding.end());
}

/** Invalid bytes become U+FFFD. */
function decoded(bytes: Buffer | undefined): string | undefined {
  return bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function lastLines(bytes: Buffer | undefined): string {
  const lines = (decoded(bytes) ?? '').trimEnd().split('\n');
  return lines.slice(-STDERR_LINES_KEPT).join('\n');
}
