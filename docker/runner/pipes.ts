/**
 * Pipes for what a script writes. What Node makes for a child by itself are sockets, and a script cannot open those again
 * as /dev/stdout or /dev/stderr. The nodes that pipes are opened by are made by a program, `mkfifo`, so they are kept for a
 * next script; not those that somebody may still have open. What was in a pipe ends with its last reader and writer.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isProcReadable } from '../../core/proc.ts';

export interface ScriptPipe {
  readonly reader: Socket;
  /** To be closed when the script has it. */
  readonly writer: number;
  /** To be called when the reader has been closed. */
  release(): void;
}

/** Of open(2), on Linux: neither a reader nor a writer. */
const O_PATH = 0o10000000;

/** Descriptors of nodes without a name. */
const spare: number[] = [];

/** Two of them. `folder`: where nodes have names for as long as it takes to open them; `path`: where `mkfifo` is looked for. */
export async function openPipes(folder: string, path: string | undefined): Promise<[ScriptPipe, ScriptPipe]> {
  const [first, second] = [spare.pop(), spare.pop()];
  if (first !== undefined && second !== undefined) return [pipeAt(first), pipeAt(second)];
  const names = [join(folder, 'stdout'), join(folder, 'stderr')] as const;
  await promisify(execFile)('mkfifo', ['-m', '600', ...names], { env: { PATH: path } });
  const open = isProcReadable() ? openKept : openNamed;
  return [open(names[0]), open(names[1])];
}

function openKept(name: string): ScriptPipe {
  const node = openSync(name, O_PATH);
  unlinkSync(name);
  return pipeAt(node);
}

function pipeAt(node: number): ScriptPipe {
  const pipe = openedBy(`/proc/self/fd/${node}`);
  return {
    ...pipe,
    release: () => {
      // Whoever has written has closed it: the end has been read.
      if (pipe.reader.readableEnded) spare.push(node);
      else closeSync(node);
    },
  };
}

function openNamed(name: string): ScriptPipe {
  const pipe = openedBy(name);
  unlinkSync(name);
  return { ...pipe, release: () => undefined };
}

function openedBy(path: string): Pick<ScriptPipe, 'reader' | 'writer'> {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  return { reader: new Socket({ fd: reader, readable: true, writable: false }), writer };
}
