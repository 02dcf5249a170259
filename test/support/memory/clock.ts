/** A clock that stands still until it is told to go on, or somebody sleeps; and nonces in order. */
import type { Clock } from '../../../core/engine/ports.ts';

export interface VirtualClock extends Clock {
  advance(ms: number): void;
}

const START = Date.UTC(2030, 0, 1);
const NONCE_HEX_LENGTH = 16;

export function virtualClock(): VirtualClock {
  let now = START;
  let nonces = 0;
  return {
    now: () => now,
    nonce: () => (++nonces).toString(16).padStart(NONCE_HEX_LENGTH, '0'),
    advance: (ms) => {
      now += ms;
    },
    sleep: async (ms) => {
      await Promise.resolve();
      now += ms;
    },
  };
}
