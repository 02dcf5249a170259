/** One JSON line an event, on standard error: where Lambda and the local cloud look for it. */
export function log(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${JSON.stringify({ message, ...fields })}\n`);
}

/** The whole story of an error: stack and causes. */
export function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${described(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
