/** What is recorded of a job that has ended. */
import { errorIn } from '../../core/values/nodes.ts';
import type { Node, Table } from '../../core/values/table.ts';
import { failureValue, JobFailure } from './failures.ts';
import type { JobSecrets } from './secrets.ts';

export type JobResult =
  | { readonly ok: true; readonly expression: Table }
  | { readonly ok: false; readonly error: Table };

/** The result as it may be kept: errors have the names of secrets for their values, and a value that holds one fails. */
export function withoutSecrets(secrets: JobSecrets, task: string, result: JobResult): JobResult {
  if (!result.ok) return { ok: false, error: result.error.map((node) => hiddenIn(secrets, node)) };
  const name = secrets.heldIn(JSON.stringify(result.expression));
  if (name === undefined) return result;
  const why = 'what jobs return is kept, and shown; write it to a file of your own, or leave it out';
  const failure = new JobFailure('SecretError', `the result holds the value of the secret ${name}: ${why}`);
  return { ok: false, error: failureValue(task, failure) };
}

function hiddenIn({ hide }: JobSecrets, node: Node): Node {
  if (typeof node === 'string') return hide(node);
  const error = errorIn(node);
  return error ? ['error', error.name, error.classes, hide(error.message), error.extras] : node;
}
