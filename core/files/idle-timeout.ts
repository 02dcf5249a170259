/** A server that stops talking keeps its connection: only a clock tells. */
import type { Readable } from 'node:stream';
import type { Chunks } from './store.ts';

/** Of an answer or of the next bytes of a body. Servers that have to fetch from tape say so with an error. */
export const BODY_IDLE_MS_MAX = 15_000;

/** Why a request was given up. */
export class IdleTimeout extends Error {
  constructor(idleMs: number) {
    super(`nothing was heard for ${idleMs / 1000} s`);
  }
}

/** The chunks of a body, each of which has so long to come. How long they take to be used does not count. */
export async function* withIdleTimeout(body: Readable, idleMs: number): Chunks {
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(new IdleTimeout(idleMs)), idleMs);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}
