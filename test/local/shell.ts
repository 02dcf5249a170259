/** Jobs that are shell scripts, and functions that keep what they are given. */
import type { JobDetail } from '@aws-sdk/client-batch';
import { ROUTES } from '../../functions/routes.ts';
import type { BusEvent } from '../../local/batch/shapes.ts';
import type { Functions } from '../../local/functions.ts';

/** Runs the text of the job's variable SCRIPT. */
export const SHELL_RUNNER = ['/bin/sh', '-c', 'eval "$SCRIPT"'];

export type Event = BusEvent & { readonly detail: JobDetail };

interface Records {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

/** Keeps the events that `advance` is given, in order, and takes them unless told otherwise. */
export function recordingFunctions(events: Event[], advance?: Functions['advance']): Functions {
  const unexpected = () => Promise.reject(new Error('nobody asked for this'));
  const others = Object.fromEntries(ROUTES.map((route) => [route.function, unexpected])) as unknown as Functions;
  return {
    ...others,
    start: (event) => Promise.resolve({ started: event }),
    sweep: () => Promise.resolve({}),
    status: () => Promise.reject(new RangeError('there is no such run')),
    advance: (event, context) => {
      events.push(...(event as Records).Records.map(({ body }) => JSON.parse(body) as Event));
      return advance ? advance(event, context) : Promise.resolve({ batchItemFailures: [] });
    },
  };
}
