/**
 * The schedule's function: whatever no event will bring forward. Any event will do, since nothing is read from it; what
 * fails is logged, and the next sweep tries again.
 */

import type { World } from '../core/engine/ports.ts';
import { type SweepReport, sweep } from '../core/engine/sweep.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type Handler, handlerOf, inEnvironment, type Logged, logsFailure, roundOptions } from './invocation.ts';
import { countsRounds } from './rounds.ts';
import { world as openWorld, sweepPeriodMs } from './world.ts';

export function makeSweep(
  open: () => World,
  periodMs: () => number | undefined = () => undefined,
): Handler<SweepReport> {
  const swept = async (_event: unknown, invocation: Logged): Promise<SweepReport> => {
    const { log } = invocation;
    const world = open();
    const report = await sweep(world, { ...roundOptions(world, invocation), periodMs: periodMs() });
    for (const failure of report.failures) log.error('a round of the sweep failed', { failure });
    if (report.left > 0) log.warn('the sweep ran out of time', { left: report.left });
    return report;
  };
  return handlerOf(swept, countsRounds(), logsFailure('the sweep failed'));
}

export const handlerIn = inEnvironment((environment) =>
  makeSweep(
    () => openWorld(environment),
    () => sweepPeriodMs(environment),
  ),
);

export const handler = handlerIn(ENVIRONMENT);
