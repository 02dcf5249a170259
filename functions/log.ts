/**
 * One JSON line an event: on standard error, where Lambda looks for it, or in the file that the local cloud names, since
 * its standard error is a terminal.
 */
import { appendFileSync } from 'node:fs';
import type { MiddlewareObj } from '@middy/core';
import { logFile } from '../core/environment.ts';

type Fields = Readonly<Record<string, unknown>>;

export function log(message: string, fields: Fields = {}): void {
  const file = logFile();
  if (file === undefined) process.stderr.write(lineOf(message, fields));
  else appendToLog(file, message, fields);
}

/** Whoever has no room for what went wrong is told of that elsewhere: nothing is thrown. */
export function appendToLog(file: string, message: string, fields: Fields = {}): void {
  try {
    // For this user only.
    appendFileSync(file, lineOf(message, { at: new Date().toISOString(), ...fields }), { mode: 0o600 });
  } catch {
    process.stderr.write(`${message}; there is no writing to ${file}\n`);
  }
}

function lineOf(message: string, fields: Fields): string {
  return `${JSON.stringify({ message, ...fields })}\n`;
}

/** For handlers that nobody answers for: what they throw is logged before whoever called them is told. */
export function logsFailure(message: string): MiddlewareObj<unknown, unknown> {
  return { onError: ({ error }) => log(message, { error: described(error) }) };
}

/** The whole story of an error: stack, causes, and the errors that it sums up. */
export function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const summed = error instanceof AggregateError ? error.errors.map((each) => `\nsums up ${described(each)}`) : [];
  const cause = error.cause === undefined ? '' : `\ncaused by ${described(error.cause)}`;
  return `${error.stack ?? error.message}${summed.join('')}${cause}`;
}
