/** How long a file is tried: its server may be slow, silent or in trouble for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { unreachable } from './errors.ts';

export interface RetryPolicy {
  /** Requests in a row that bring nothing before a file counts as unreachable. */
  readonly tries: number;
  /** Before the second of them; doubled before each one after it. */
  readonly delayMs: number;
  /** Of an answer, or of the next bytes of a body. */
  readonly idleMs: number;
}

/** What a server may ask for by Retry-After. */
const DELAY_MS_MAX = 20_000;

/** How often a file has failed in a row; any progress starts it again. */
export class Tries {
  #failed = 0;
  readonly #location: string;
  readonly #retry: RetryPolicy;

  constructor(location: string, retry: RetryPolicy) {
    this.#location = location;
    this.#retry = retry;
  }

  succeeded(): void {
    this.#failed = 0;
  }

  /** Resolves when it is time for the next try. */
  async failed(why: string, atLeastMs = 0): Promise<void> {
    this.#failed++;
    const { tries, delayMs } = this.#retry;
    if (this.#failed >= tries) throw unreachable(this.#location, `${why}; it was tried ${tries} times`);
    const wait = delayMs * 2 ** (this.#failed - 1) * (0.5 + Math.random());
    await sleep(Math.min(DELAY_MS_MAX, Math.max(wait, atLeastMs)));
  }
}
