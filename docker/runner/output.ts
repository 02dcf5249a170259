/** Where a job's output goes: its log. What cannot be written there, on a full disk, is lost to the log and to nothing else. */
import { closeSync, openSync, writeSync } from 'node:fs';

export interface JobOutput {
  /** What its work writes to its standard output, and to its standard error, with what the runner has to say. */
  out(chunk: Uint8Array | string): Promise<void>;
  err(chunk: Uint8Array | string): Promise<void>;
}

/** This process's own. */
export function ownOutput(): JobOutput {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const to = (stream: NodeJS.WriteStream) => (chunk: Uint8Array | string) =>
    new Promise<void>((resolve) => stream.write(chunk, () => resolve()));
  return { out: to(process.stdout), err: to(process.stderr) };
}

/** A file, in the order in which it is written. */
export function fileOutput(path: string): JobOutput & { close(): void } {
  const file = opened(path);
  const write = (chunk: Uint8Array | string): Promise<void> => {
    try {
      if (file === undefined) return Promise.resolve();
      const bytes = Buffer.from(chunk);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    } catch {
      // It is lost.
    }
    return Promise.resolve();
  };
  return {
    out: write,
    err: write,
    close: () => {
      if (file !== undefined) closeSync(file);
    },
  };
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'a', 0o600);
  } catch {
    return undefined;
  }
}
