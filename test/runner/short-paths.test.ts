import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { File } from '../../core/values/classes.ts';
import { openTestbed, type Testbed, until } from './testbed.ts';

let testbed: Testbed;
let environment: { REDEX_WORK: string };

beforeAll(async () => {
  testbed = await openTestbed();
  const work = join(testbed.work, 'a'.repeat(100), 'b'.repeat(100));
  await mkdir(work, { recursive: true });
  environment = { REDEX_WORK: work };
});

afterAll(() => testbed.remove());

/** Shell text that listens at the path for a moment. */
function listen(path: string): string {
  const program = `require("node:net").createServer().listen(process.argv[1], () => { console.log("heard"); process.exit() })`;
  return `"${process.execPath}" -e '${program}' "${path}"\n`;
}

async function run(text: string) {
  return await (await testbed.start(await testbed.scriptSpec({ text, outputs: new File('-') }), { environment })).ended;
}

describe('in a project with a path of 200 characters', () => {
  it('a socket fits into TMPDIR, also with a long name', async () => {
    const ended = await run(
      listen('$TMPDIR/pymp-12345678/listener-12345678').replace(/^/, 'mkdir "$TMPDIR/pymp-12345678"\n'),
    );
    expect(ended).toMatchObject({ exitCode: 0, value: 'heard\n' });
  });

  it('a socket fits into a hidden folder of HOME', async () => {
    const ended = await run(`mkdir ~/.gnupg\n${listen('$HOME/.gnupg/S.gpg-agent.browser')}`);
    expect(ended).toMatchObject({ exitCode: 0, value: 'heard\n' });
  });

  it('a socket fits into what mktemp makes', async () => {
    const ended = await run(`made=$(mktemp -d)\n${listen('$made/socket')}`);
    expect(ended).toMatchObject({ exitCode: 0, value: 'heard\n' });
  });

  it('what is in TMPDIR is in the working directory, and nothing is left of the short name', async () => {
    const { value } = await run('echo x > "$TMPDIR/x"; cat .redex/tmp/x; echo "$TMPDIR"\n');
    const [content, place = ''] = (value as string).split('\n');
    expect(content).toBe('x');
    expect(existsSync(join(place, '../..'))).toBe(false);
  });

  it('nothing is left of the short name when the script fails, or the job is killed', async () => {
    const failed = await run('echo "at $TMPDIR end"; exit 3\n');
    expect(existsSync(join(/at (.*) end/.exec(failed.log)?.[1] ?? '', '../..'))).toBe(false);
    const running = await testbed.start(await testbed.scriptSpec({ text: 'echo "at $TMPDIR end"; sleep 3400\n' }), {
      environment,
    });
    await until(() => running.log().includes(' end'));
    running.child.stdin?.destroy();
    const { log } = await running.ended;
    expect(existsSync(join(/at (.*) end/.exec(log)?.[1] ?? '', '../..'))).toBe(false);
  });
});
