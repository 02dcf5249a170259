/** A server that stops talking keeps its connection: only a clock tells. */
import type { Readable } from 'node:stream';
import type { Chunks } from './store.ts';

/** Of an answer or of the next bytes of a body. Servers that have to fetch from tape say so with an error. */
export const SILENCE_MS_MAX = 15_000;

/** Why a request was given up. */
export class Silence extends Error {
  constructor(silenceMs: number) {
    super(`nothing was heard for ${silenceMs / 1000} s`);
  }
}

/** The chunks of a body, each of which has so long to come. How long they take to be used does not count. */
export async function* unlessSilent(body: Readable, silenceMs: number): Chunks {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(new Silence(silenceMs)), silenceMs);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value as Uint8Array;
    }
  } finally {
    body.destroy();
  }
}
