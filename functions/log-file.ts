/** What is written down on a laptop, where standard error is a terminal: one JSON line an event. */
import { appendFileSync } from 'node:fs';

/**
 * For this user only. Nothing is thrown where there is no room: whoever has none for what went wrong is told of that elsewhere,
 * in the sentence `otherwise`.
 */
export function appendLine(file: string, line: string, otherwise?: string): void {
  try {
    appendFileSync(file, `${line}\n`, { mode: 0o600 });
  } catch {
    if (otherwise !== undefined) process.stderr.write(`${otherwise}; there is no writing to ${file}\n`);
  }
}

/** An error of whoever is no function, in a line as theirs. */
export function appendError(file: string, message: string, error: unknown): void {
  const line = { level: 'ERROR', message, timestamp: new Date().toISOString(), error: described(error) };
  appendLine(file, JSON.stringify(line), message);
}

/** The whole story of an error: stack, causes, and the errors that it sums up. */
export function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const summed = error instanceof AggregateError ? error.errors.map((each) => `\nsums up ${described(each)}`) : [];
  const cause = error.cause === undefined ? '' : `\ncaused by ${described(error.cause)}`;
  return `${error.stack ?? error.message}${summed.join('')}${cause}`;
}
