/** Event bus and queue: events come late, twice, out of order or never; what a handler did not take comes again. */

import type { JobReport } from '../../core/engine/executor.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { Simulation } from './process.ts';

export type Event =
  | { readonly kind: 'report'; readonly report: JobReport }
  | { readonly kind: 'wake'; readonly run: RunId; readonly when: 'soon' | 'now' };

export interface Message {
  readonly event: Event;
  receives: number;
}

export interface Queue {
  /** Called when a message is there to be received. */
  onArrival(act: () => void): void;
  event(event: Event): void;
  /** Takes some that are there; they come again unless they are deleted. */
  receive(): Message[];
  delete(message: Message): void;
  /** On the way, waiting, or taken and not deleted. */
  pending(): number;
}

const BATCH_MAX = 10;
const VISIBILITY_MS = 90_000;
const RECEIVES_MAX = 10;
const DELAY_MINUTES_MAX = 15;

export function queueOf(simulation: Simulation): Queue {
  const { time, random, faults } = simulation;
  const waiting: Message[] = [];
  const live = new Set<Message>();
  let arrived = (): void => undefined;

  function arrive(message: Message): void {
    waiting.push(message);
    arrived();
  }

  function send(event: Event, delayMs: number): void {
    const message: Message = { event, receives: 0 };
    live.add(message);
    time.after(delayMs, () => arrive(message));
  }

  return {
    onArrival(act) {
      arrived = act;
    },
    event(event) {
      const fault = faults.at('event');
      const delayMs =
        event.kind === 'wake' && event.when === 'soon' ? random.between(2_000, 6_000) : random.between(50, 3_000);
      if (fault) simulation.note(() => `event ${fault}: ${JSON.stringify(event).slice(0, 120)}`);
      if (fault === 'lost') return;
      const later = fault === 'delayed' ? faults.details().between(0, DELAY_MINUTES_MAX) * 60_000 : 0;
      send(event, delayMs + later);
      if (fault === 'duplicate') send(event, faults.details().between(0, DELAY_MINUTES_MAX) * 60_000);
    },
    receive() {
      const taken: Message[] = [];
      for (let count = 1 + random.below(BATCH_MAX); count > 0 && waiting.length > 0; count--) {
        taken.push(...waiting.splice(random.below(waiting.length), 1));
      }
      for (const message of taken) {
        message.receives++;
        const again = () => {
          if (!live.has(message)) return;
          if (message.receives < RECEIVES_MAX) arrive(message);
          else live.delete(message);
        };
        time.after(VISIBILITY_MS, again);
      }
      return taken;
    },
    delete: (message) => live.delete(message),
    pending: () => live.size,
  };
}
