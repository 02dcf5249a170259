/** `endpoint.json`, in which the owner of a cloud says to other processes how it is reached. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

const CloudEndpoint = v.object({
  /** With the secret that opens it. */
  url: v.string(),
  pid: v.number(),
  /** Of the handlers, beside what their user has set. */
  environment: v.record(v.string(), v.string()),
});

export type CloudEndpoint = v.InferOutput<typeof CloudEndpoint>;

function pathIn(folder: string): string {
  return join(folder, 'endpoint.json');
}

/** Whole or not at all, and for this user only. Gives the function that takes it back. */
export function publishEndpoint(folder: string, endpoint: v.InferInput<typeof CloudEndpoint>): () => void {
  const path = pathIn(folder);
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(endpoint), { mode: 0o600 });
  renameSync(draft, path);
  return () => rmSync(path, { force: true });
}

/** Of the owner, or of one that was killed; undefined where there is none. */
export function readEndpoint(folder: string): CloudEndpoint | undefined {
  try {
    return v.parse(CloudEndpoint, JSON.parse(readFileSync(pathIn(folder), 'utf8')));
  } catch {
    return undefined;
  }
}
