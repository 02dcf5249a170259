/** Answers of handlers that are asked about one run, or ask something of it. */

import * as v from 'valibot';
import type { RunStatus } from '../core/engine/ports.ts';
import type { RunId } from '../core/values/ids.ts';
import { refusal } from './endpoint.ts';
import { Run, Status } from './shapes.ts';

export function noRun(run: RunId) {
  return refusal(404, `there is no run ${run}`);
}

/** What became of a run that was asked to change its course. */
export const Course = v.strictObject({ run: Run, status: Status });

/** 202, since what follows takes its time; 409 when the run had not begun, so that nothing could be recorded. */
export function courseAnswer(run: RunId, status: RunStatus | 'unknown') {
  if (status === 'unknown') return refusal(409, `run ${run} has not begun: ask again in a moment, or start it again`);
  return { statusCode: 202, body: { run, status } } as const;
}
