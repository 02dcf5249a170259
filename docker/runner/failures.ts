/** How a job's failure becomes an error value. */
import { FileError } from '../../core/files/errors.ts';
import { encode } from '../../core/values/encode.ts';
import type { ErrorName } from '../../core/values/errors.ts';
import type { Table } from '../../core/values/table.ts';

/** A failure with a name that authors catch; its own fields go into the value. */
export class JobFailure extends Error {
  override readonly name: ErrorName;

  constructor(name: ErrorName, message: string, fields: Readonly<Record<string, string | number>> = {}) {
    super(message);
    this.name = name;
    Object.assign(this, fields);
  }
}

/** The value of whatever a job's work threw. */
export function failureValue(task: string, thrown: unknown): Table {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  // Where in the runner it came up helps no author, and would make equal failures differ.
  if (error instanceof JobFailure || error instanceof FileError) delete error.stack;
  // A DOMException, such as a fetch that timed out, cannot be assigned to.
  Object.defineProperty(error, 'message', { value: `${task}: ${error.message}` });
  return encode(error);
}
