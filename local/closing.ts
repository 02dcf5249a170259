/** How what was opened one after another ends: last first, once, and all of it whatever fails. */

export interface Closing {
  /** What is to be done at the end, before all that was said earlier. */
  push(end: () => unknown): void;
  /** Whether the end has begun. */
  isClosing(): boolean;
  /** The same end, whoever asks for it and however often. Rejects with all that failed. */
  close(): Promise<void>;
  /** Resolves after the end, however that was. */
  readonly closed: Promise<void>;
}

export function makeClosing(): Closing {
  const ends: (() => unknown)[] = [];
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  return {
    push: (end) => ends.push(end),
    isClosing: () => closing !== undefined,
    close: () => {
      closing ??= inTurn(ends.toReversed()).finally(setClosed);
      return closing;
    },
    closed,
  };
}

async function inTurn(ends: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const end of ends) {
    try {
      await end();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'the local cloud did not end well');
}
