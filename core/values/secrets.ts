/** Secrets of jobs: where their values are had from. No value is in an option, hash, spec, request, event or journal. */

/**
 * In a local run an environment variable of the command, or a file, without the line end at its end; on AWS the ARN of a
 * secret of Secrets Manager or of a parameter of SSM.
 */
export type SecretSource = { readonly env: string } | { readonly file: string } | `arn:${string}`;

/** By the name of the environment variable that the job has the value in. */
export type SecretSources = Readonly<Record<string, SecretSource>>;

/** How a job's environment names its secrets: whatever they are called, the runner's own variables are others. */
export const SECRET_VARIABLE = 'REDEX_SECRET_';

/** Source: the service authorization references of Secrets Manager (also with a JSON key) and of Systems Manager. */
const ARN = /^arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d+:secret:|ssm:[a-z0-9-]+:\d+:parameter\/)\S+$/;

export function isSecretSource(value: unknown): value is SecretSource {
  if (typeof value === 'string') return ARN.test(value);
  if (typeof value !== 'object' || value === null) return false;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return false;
  return ['env', 'file'].includes(entry[0]) && typeof entry[1] === 'string' && entry[1] !== '';
}

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name);
}

/** A source in one text, as a request to Batch holds it: an ARN, or `env:NAME` and `file:PATH`, which the local one reads. */
export function secretText(source: SecretSource): string {
  if (typeof source === 'string') return source;
  return 'env' in source ? `env:${source.env}` : `file:${source.file}`;
}

/** Reads such a text back; what a local run has no way to ask for is left as it is. */
export function parseSecretText(text: string): SecretSource | string {
  const [, kind, where = ''] = /^(env|file):(.*)$/s.exec(text) ?? [];
  if (kind !== undefined) return kind === 'env' ? { env: where } : { file: where };
  return text;
}
