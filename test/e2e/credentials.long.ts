import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { project } from '../support/project.ts';
import { begin } from './command.ts';

/** A store that answers only whoever has the key of the laboratory, and notes who asked. */
const asked: string[] = [];
const server = createServer((request, response) => {
  const key = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? 'nobody';
  asked.push(key);
  if (key !== 'LABKEY') response.writeHead(403).end();
  else response.writeHead(200, { etag: '"5d41402abc4b2a76b9719d911017c592"', 'content-length': '5' }).end('hello');
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => void server.close());

const WORKFLOW = `import { file, script, task, v } from 'redex';
export const main = task('s.main', { params: v.object({}) }, () =>
  script('cat x; echo " $AWS_PROFILE"', { inputs: [file('s3://lab-data/a.txt').stage('x')] }));
`;
const NOTHING = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
];

const keys = (profile: string, key: string) =>
  `[${profile}]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`;
const services = (profile: string, url: string) =>
  `[${profile}]\nservices = here\n[services here]\ns3 =\n  endpoint_url = ${url}\n`;

describe('a file in S3 is looked at and read', () => {
  it.each([
    [
      'as the default profile says',
      (url: string) => ({ credentials: keys('default', 'LABKEY'), config: services('default', url), variables: {} }),
    ],
    [
      'as a named profile says, which scripts are told',
      (url: string) => ({
        credentials: keys('default', 'OTHER') + keys('lab', 'LABKEY'),
        config: services('profile lab', url),
        variables: { AWS_PROFILE: 'lab' },
      }),
    ],
    [
      'as the environment says',
      (url: string) => ({
        credentials: keys('default', 'OTHER'),
        config: '',
        variables: { AWS_ACCESS_KEY_ID: 'LABKEY', AWS_SECRET_ACCESS_KEY: 'secret', AWS_ENDPOINT_URL_S3: url },
      }),
    ],
  ])('%s', async (_, settingsFor) => {
    const { port } = server.address() as AddressInfo;
    const { credentials, config, variables } = settingsFor(`http://127.0.0.1:${port}`);
    const folder = await project({ 'workflow.ts': WORKFLOW }, afterAll);
    const home = join(folder, 'home');
    await mkdir(join(home, '.aws'), { recursive: true });
    await writeFile(join(home, '.aws/credentials'), credentials);
    await writeFile(join(home, '.aws/config'), config);
    const unset = Object.fromEntries(NOTHING.map((name) => [name, undefined]));
    asked.length = 0;
    const own = { ...unset, AWS_EC2_METADATA_DISABLED: 'true', HOME: home, ...variables };
    const { stdout, stderr } = await begin(folder, ['run', 'main'], own).ended;
    const profile = 'AWS_PROFILE' in variables ? variables.AWS_PROFILE : '';
    expect(stdout.trim().split('\n').at(-1), stderr).toBe(`'hello ${profile}\\n'`);
    expect(new Set(asked)).toEqual(new Set(['LABKEY']));
    // The engine's look, the job's, and its reading.
    expect(asked.length).toBeGreaterThan(1);
  });
});
