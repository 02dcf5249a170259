/** The schedule of the sweep: as the cloud opens, for what its last owner left behind, and then as often as on AWS. */
import * as v from 'valibot';
import { busEvent } from './batch/shapes.ts';
import type { FunctionCaller } from './functions.ts';

export interface ScheduleOptions {
  readonly invoke: FunctionCaller['invoke'];
  readonly periodMs: number;
  /** Is told of what the next sweep tries again. */
  readonly trouble: (reason: string) => void;
}

/** Of what a sweep says, what is tried again. */
const SweepAnswer = v.object({ failures: v.optional(v.array(v.string()), []) });

/** Gives the function that ends it. */
export function openSchedule({ invoke, periodMs, trouble }: ScheduleOptions): () => void {
  const sweep = (): void => {
    const event = busEvent(Date.now(), 'aws.events', 'Scheduled Event', {});
    invoke('sweep', event).then(
      (report) => {
        for (const failure of v.parse(SweepAnswer, report).failures) trouble(failure);
      },
      (error: unknown) => trouble(`the sweep: ${String(error)}`),
    );
  };
  sweep();
  const timer = setInterval(sweep, periodMs);
  return () => clearInterval(timer);
}
