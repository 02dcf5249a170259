/** The schedule of the sweep: as the cloud opens, for what its last owner left behind, and then as often as on AWS. */
import { busEvent } from './batch/shapes.ts';
import type { FunctionCaller } from './functions.ts';

export interface ScheduleOptions {
  readonly invoke: FunctionCaller['invoke'];
  readonly periodMs: number;
  readonly warn: (message: string) => void;
}

/** Gives the function that ends it. */
export function openSchedule({ invoke, periodMs, warn }: ScheduleOptions): () => void {
  const sweep = (): void => {
    const event = busEvent(Date.now(), 'aws.events', 'Scheduled Event', {});
    invoke('sweep', event).catch((error: unknown) => warn(`the sweep failed: ${String(error)}`));
  };
  sweep();
  const timer = setInterval(sweep, periodMs);
  return () => clearInterval(timer);
}
