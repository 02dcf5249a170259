/** A process that owns, or shares, a local cloud until it is killed: `node owner.ts FOLDER`. It says so on standard output. */
import { join } from 'node:path';
import { attachOrOpen } from '../../local/attach.ts';
import { recordingFunctions, SHELL_RUNNER } from './shell.ts';

const folder = process.argv[2] ?? '';
const cloud = await attachOrOpen({
  folder,
  root: join(folder, '..'),
  runner: SHELL_RUNNER,
  environment: process.env,
  functions: () => Promise.resolve(recordingFunctions([])),
});
process.stdout.write(`${JSON.stringify({ owner: cloud.owner, environment: cloud.environment })}\n`);
setInterval(() => undefined, 1000);
await cloud.closed;
process.exit(0);
