/** A whole run with secrets, and then a look for their values in everything that was kept or said. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { project } from '../support/project.ts';
import { begin } from './command.ts';

const CONFIG = `import { defineConfig } from 'redex';
export default defineConfig({
  executors: { batch: { type: 'batch', secrets: { TOKEN: { env: 'LAB_TOKEN' } } } },
});
`;
const WORKFLOW = `import { catchError, file, script, task, v } from 'redex';

const login = task('e2e.login', { executor: 'batch', secrets: { KEY: { file: 'keys/lab' } } }, () => {
  console.log('logging in with', process.env.KEY);
  return process.env.KEY?.length;
});
const download = (name: string, last: string) =>
  script(\`
    echo "marker-in-the-log: user $TOKEN" >&2
    env
    echo "$TOKEN" | base64 >&2
    printf "Authorization: Basic %s" "$(printf "user:$TOKEN" | base64 -w0)" >&2
    printf %s "$TOKEN" | sha256sum > sum
    echo "$TOKEN" > ~/.netrc
    curl_stand_in() { return $1; }
    \${last}
  \`, { outputs: file(name).stage('sum') });

const told = task('e2e.told', {}, (error: Error) => error.message);

export const main = task('e2e.main', { params: v.object({ last: v.string() }) }, ({ last }) => [
  login(),
  download('out/sum', 'true'),
  catchError(download('out/none', 'curl_stand_in 22 "$TOKEN" marker-in-the-trace'), 'ScriptError', told),
  download('out/last', last),
]);
`;

/** Every text that is in the file: as it is, and in what is compressed there, also in base64 as the database has it. */
function textsIn(path: string): string[] {
  const bytes = readFileSync(path);
  const raw = bytes.toString('latin1');
  const encoded = [...raw.matchAll(/H4sI[A-Za-z0-9+/]+/g)].map(([text]) => Buffer.from(text, 'base64'));
  return [raw, ...[...encoded, ...compressedIn(bytes)].map(unzipped)];
}

function compressedIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const next = (from: number): number => bytes.indexOf('1f8b08', from, 'hex');
  for (let at = next(0); at >= 0; at = next(at + 1)) found.push(bytes.subarray(at));
  return found;
}

function unzipped(bytes: Buffer): string {
  try {
    return gunzipSync(bytes).toString('latin1');
  } catch {
    // No more than its first letters.
    return '';
  }
}

const spellings = (value: string): string[] => [value, Buffer.from(value).toString('base64').slice(0, 30)];

describe('secrets', () => {
  const [token, key] = [randomBytes(24), randomBytes(24)].map((bytes) => bytes.toString('hex')) as [string, string];

  it('of a whole run are in nothing that is kept or said, and what is not to be had fails its job by name', async () => {
    const folder = await project({ 'redex.config.ts': CONFIG, 'workflow.ts': WORKFLOW, 'keys/lab': `${key}\n` });
    const run = async (last: string, variables: NodeJS.ProcessEnv) => {
      const { code, stdout, stderr } = await begin(folder, ['run', 'main', '--last', last], variables).ended;
      return { code, said: stdout + stderr };
    };
    const failed = await run('curl_stand_in 3 "$TOKEN"', { LAB_TOKEN: token });
    expect(failed.code).toBe(1);
    expect(failed.said).toMatch(/exit code 3\D(.|\n)*curl_stand_in 3 '?\$TOKEN/);

    const kept = readdirSync(join(folder, '.redex'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => textsIn(join(entry.parentPath, entry.name)));
    const all = [...kept, failed.said].join('\n');
    // What is looked through holds what was written: else nothing would be found in it.
    for (const marker of ['marker-in-the-log: user $TOKEN', 'logging in with $KEY', 'marker-in-the-trace']) {
      expect(kept.join('\n')).toContain(marker);
    }
    expect(kept.filter((text) => text.startsWith('{') && text.includes('marker-in-the-trace'))).not.toEqual([]);
    for (const value of [token, key]) for (const text of spellings(value)) expect(all).not.toContain(text);

    // What is done is done without them, and what is not asks for them.
    const missing = await run('true', { LAB_TOKEN: undefined });
    expect(missing.said).toMatch(/e2e\.login +0 +0 +0 +1 +0/);
    expect(missing.said).toContain('SecretError');
    expect(missing.said).toContain(
      'TOKEN: the environment variable LAB_TOKEN is not set where redex was started: set it',
    );
  });
});
