/** What the rounds of an invocation come to: a line of the log for each, and one of metrics for all of them. */

import type { RoundReport } from '../core/engine/round.ts';
import type { RunId } from '../core/values/ids.ts';
import type { Middleware } from './invocation.ts';
import type { Log } from './log.ts';
import { publish } from './metrics.ts';

/** Counts, and is told: of one invocation. */
export interface Rounds {
  readonly onRound: (run: RunId, report: RoundReport) => void;
  /** ms: of an event that it got. */
  readonly onEvent: (age: number) => void;
}

/** For handlers that take rounds: each finds `rounds` in its invocation. */
export function countsRounds(): Middleware {
  const counts = new WeakMap<object, Counted>();
  return {
    before: (request) => {
      const counted = countRounds(request.context.log);
      request.context = { ...request.context, rounds: counted.rounds };
      counts.set(request, counted);
    },
    after: (request) => counts.get(request)?.publish(),
    onError: (request) => counts.get(request)?.publish(),
  };
}

interface Counted {
  readonly rounds: Rounds;
  publish(): void;
}

function countRounds(log: Log): Counted {
  const figures = { rounds: 0, conflicts: 0, submissions: 0, throttles: 0 };
  let oldestEvent: number | undefined;
  const onRound: Rounds['onRound'] = (run, report) => {
    const { status, sequence, appended, submitted, conflicts, throttled, durationMs } = report;
    figures.rounds++;
    figures.conflicts += conflicts;
    figures.submissions += submitted;
    figures.throttles += throttled;
    const round = figures.rounds;
    log.info('a round', { run, round, sequence, status, appended, submitted, conflicts, throttled, durationMs });
  };
  const onEvent: Rounds['onEvent'] = (age) => {
    oldestEvent = Math.max(oldestEvent ?? 0, age);
  };
  return {
    rounds: { onRound, onEvent },
    publish: () => publish({ ...figures, ...(oldestEvent !== undefined && { oldestEvent }) }, log.settings),
  };
}
