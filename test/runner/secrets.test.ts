import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { File } from '../../core/values/classes.ts';
import { SECRET_VARIABLE } from '../../core/values/secrets.ts';
import { type Ended, openTestbed, type Script, type Testbed, until } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

const TOKEN = "tok-5ECRET it's $1";
const stdout = new File('-');

async function run(script: Script, value = TOKEN): Promise<Ended> {
  const environment = { [`${SECRET_VARIABLE}TOKEN`]: value };
  return await (await testbed.start(await testbed.scriptSpec(script), { environment })).ended;
}

function expectHidden({ log, error, outcome }: Ended): void {
  const told = `${log} ${error?.message} ${error?.stderr} ${JSON.stringify(outcome)}`;
  for (const part of ['5ECRET', Buffer.from('tok-5ECRE').toString('base64')]) expect(told).not.toContain(part);
}

describe('a script with a secret', () => {
  it('has it in its environment, under its own name alone, and tells nobody', async () => {
    const text = `
      [ "$TOKEN" = "tok-5ECRET it's \\$1" ]
      env | grep -c 5ECRET
      env; echo "$TOKEN" >&2; printf %s "$TOKEN" | base64
    `;
    const ended = await run({ text });
    expect(ended.exitCode, ended.log).toBe(0);
    expect(ended.log).toMatch(/^1\n/);
    expect(ended.log.split('$TOKEN')).toHaveLength(4);
    expectHidden(ended);
  });

  it('that fails has its name in error, trace and log, also where its bytes come one by one', async () => {
    const text = `
      curl() { return 22; }
      for at in $(seq 0 \${#TOKEN}); do printf %s "\${TOKEN:$at:1}" >&2; sleep 0.01; done
      curl -H "Authorization: $TOKEN"
    `;
    const ended = await run({ text });
    expect(ended.error?.message).toContain('exit code 22');
    expect(ended.error?.stderr).toBe('$TOKEN');
    expect(ended.error?.message).toMatch(/curl -H .*\$TOKEN/);
    expectHidden(ended);
  });

  it('that fails leaves no directory, where it may have written it', async () => {
    const ended = await run({ text: 'echo "$TOKEN" > ~/.netrc; exit 3' });
    expect(ended.log).toContain('the working directory is not kept: the job has secrets');
    expect(await readdir(testbed.work)).toEqual([]);
  });

  it('that is killed with its job leaves none either', async () => {
    const environment = { [`${SECRET_VARIABLE}TOKEN`]: TOKEN };
    const spec = await testbed.scriptSpec({ text: 'echo "$TOKEN" > x; echo ready; sleep 60' });
    const running = await testbed.start(spec, { environment });
    await until(() => running.log().includes('ready'));
    running.child.stdin?.end();
    await running.ended;
    expect(await readdir(testbed.work)).toEqual([]);
  });

  it.each([
    ['on its standard output', { text: 'echo "user $TOKEN"', outputs: stdout }],
    ['in base64', { text: 'printf "user:$TOKEN" | base64', outputs: { login: stdout } }],
  ])('whose result holds it fails by its name: %s', async (_, script) => {
    const ended = await run(script);
    expect(ended.error?.name).toBe('SecretError');
    expect(ended.error?.message).toContain('the result holds the value of the secret TOKEN');
    expectHidden(ended);
  });

  it('too short to be hidden does not run', async () => {
    const ended = await run({ text: 'echo ran' }, '123');
    expect(ended.error?.name).toBe('SecretError');
    expect(ended.error?.message).toContain('the secret TOKEN has fewer than 4 characters');
    expect(ended.log).not.toContain('ran');
  });

  it('may declare another value under the same name', async () => {
    expect((await run({ text: 'echo $TOKEN', env: { TOKEN: 'mine' }, outputs: stdout })).value).toBe('mine\n');
  });
});
