/** Runs one script to its end. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from '../../core/values/thrown.ts';
import { JobFailure } from './failures.ts';
import type { Lifetime } from './lifetime.ts';
import { type JobProcesses, type Usage, watchUsage } from './processes.ts';
import { type HidingStream, type JobSecrets, secretsOf } from './secrets.ts';
import { openHereDocument, traceIn } from './trace.ts';

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

/** Its output also goes to this process's own, without secrets. Rejects when the script cannot be started. */
export async function runCommand(command: Command, lifetime: Lifetime): Promise<Finished> {
  const file = join(command.inner, 'script');
  const folders = ['home', 'tmp'].map((name) => mkdir(join(command.inner, name)));
  await Promise.all([...folders, writeFile(file, command.text, { mode: 0o755 })]);
  const isPlain = !command.text.startsWith('#!');
  const [program, args] = isPlain ? ['bash', ['-eo', 'pipefail', file]] : [file, []];
  const trace = isPlain ? await traceIn(command.inner) : undefined;
  const unended = SHELL_SCRIPT.test(command.text) ? await openHereDocument(file, command.machine.PATH) : undefined;
  if (unended !== undefined) throw new JobFailure('ScriptError', unended);
  const names = [join(command.inner, 'stdout'), join(command.inner, 'stderr')] as const;
  const [stdout, stderr] = await openPipes(...names, command.machine.PATH);
  lifetime.signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: command.folder,
    env: {
      ...command.machine,
      LANG: 'C.UTF-8',
      HOME: join(command.short, 'home'),
      TMPDIR: join(command.short, 'tmp'),
      ...trace?.variables,
      ...command.secrets.variables,
      ...command.declared,
    },
    stdio: ['ignore', stdout.writer, stderr.writer],
    // `kill 0`, with which scripts end what they have started, is not for the runner.
    detached: lifetime.scriptsApart,
  });
  if (child.pid !== undefined && lifetime.scriptsApart) lifetime.processes.addGroup(child.pid);
  const usage = watchUsage(lifetime.processes);
  for (const { writer } of [stdout, stderr]) closeSync(writer);
  const { secrets, wantsStdout } = command;
  const [result, lastWords] = [wantsStdout ? firstBytes() : undefined, lastBytes()];
  const forwarded = [
    forward(stdout.reader, process.stdout, secrets.stream(), { whole: result }),
    forward(stderr.reader, process.stderr, secrets.stream(), { hidden: lastWords }),
  ];
  const exitCode = await endOf(child, lifetime.processes);
  // What its pipes hold now is the last of its words.
  for (const { reader } of [stdout, stderr]) endWhenIdle(reader);
  await Promise.all(forwarded);
  const unspoken = secretsOf({ ...secrets.variables, ...command.declared });
  const commandsLast = exitCode === 0 ? '' : ((await trace?.last(unspoken.hide)) ?? '');
  const stderrLast = lastLines(lastWords.bytes());
  return { exitCode, stdout: decoded(result?.bytes()), stderrLast, commandsLast, usage: usage() };
}

interface Pipe {
  readonly reader: Socket;
  readonly writer: number;
}

/**
 * Pipes that have a name for as long as it takes to open them. What Node makes for a child by itself are sockets, and a
 * script cannot open those again as /dev/stdout or /dev/stderr.
 */
async function openPipes(first: string, second: string, path: string | undefined): Promise<[Pipe, Pipe]> {
  await promisify(execFile)('mkfifo', ['-m', '600', first, second], { env: { PATH: path } });
  const open = async (path: string): Promise<Pipe> => {
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    await unlink(path);
    return { reader: new Socket({ fd: reader, readable: true, writable: false }), writer };
  };
  return [await open(first), await open(second)];
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
  to: NodeJS.WriteStream,
  hiding: HidingStream,
  { whole, hidden }: { readonly whole?: OutputBuffer | undefined; readonly hidden?: OutputBuffer },
): Promise<void> {
  const write = async (chunk: Buffer): Promise<void> => {
    hidden?.append(chunk);
    // What cannot be written, on a full disk, is lost to the log, and to nothing else.
    await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
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
