/** The values of secrets: read when a job starts, put into its environment, and kept nowhere. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseSecretText, SECRET_VARIABLE } from '../../core/values/secrets.ts';
import { codeOf } from '../../core/values/thrown.ts';
import type { Secret } from './records.ts';

/** Room for keys and certificates; Linux allows a variable 128 KiB. */
const BYTES_MAX = 64 * 1024;

export interface SecretPlaces {
  /** The environment that variables are taken from. */
  readonly inherited: NodeJS.ProcessEnv;
  /** What relative paths are relative to. */
  readonly root: string;
}

export type SecretVariables =
  | { readonly ok: true; readonly variables: Readonly<Record<string, string>> }
  /** Names the secret, and says what to do. */
  | { readonly ok: false; readonly reason: string };

/** The variables of a job that hold its secrets; all of them, or the reason why the first is not to be had. */
export async function secretVariables(secrets: readonly Secret[], places: SecretPlaces): Promise<SecretVariables> {
  const variables: Record<string, string> = {};
  for (const { name, valueFrom } of secrets) {
    const found = await readValue(parseSecretText(valueFrom), places);
    if ('problem' in found) return { ok: false, reason: `${name.replace(SECRET_VARIABLE, '')}: ${found.problem}` };
    variables[name] = found.value;
  }
  return { ok: true, variables };
}

type Found = { readonly value: string } | { readonly problem: string };

async function readValue(
  source: ReturnType<typeof parseSecretText>,
  { inherited, root }: SecretPlaces,
): Promise<Found> {
  if (typeof source === 'string') {
    const advice =
      "say where it is here by { env: 'VARIABLE' } or { file: 'path' }, in redex.config.ts or a profile of it";
    return { problem: `${source} is not asked for by a local run: ${advice}` };
  }
  if ('env' in source) {
    const value = inherited[source.env];
    const problem = `the environment variable ${source.env} is not set where redex was started: set it, and try again`;
    return value === undefined ? { problem } : { value };
  }
  const path = resolve(root, source.file);
  try {
    return fileValue(path, await readFile(path));
  } catch (thrown) {
    const why = codeOf(thrown);
    return { problem: `the file ${path} cannot be read (${why}): put it there, and try again` };
  }
}

function fileValue(path: string, bytes: Buffer): Found {
  if (bytes.byteLength > BYTES_MAX) return { problem: `the file ${path} has more than ${BYTES_MAX / 1024} KiB` };
  if (!isUtf8(bytes) || bytes.includes(0)) return { problem: `the file ${path} holds no text` };
  return { value: bytes.toString().replace(/\r?\n$/, '') };
}
