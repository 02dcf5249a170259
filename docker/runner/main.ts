/** The program that every job runs as: in its container, or in a child process of the local cloud. */
import { cpSync } from 'node:fs';
import { ENVIRONMENT, isReaper } from '../../core/environment.ts';
import { endWithParent, passSignalsOn } from './lifetime.ts';
import { ownOutput } from './output.ts';
import { runToEnd, startOf } from './run.ts';
import { serve } from './serve.ts';

const [, , flag, target] = process.argv;
const flags = process.argv.slice(2);
const reaps = isReaper(process.pid);

async function runOne(): Promise<number> {
  const start = startOf(ENVIRONMENT, ownOutput(), reaps);
  const current = () => start.lifetime;
  passSignalsOn(current);
  if (start.settings.parentPipe) endWithParent(current);
  return await runToEnd(start);
}

// In the container before the job's own, where an image of tools is used as it is.
if (flag === '--place' && target !== undefined) {
  cpSync(import.meta.dirname, target, { recursive: true });
  process.exit();
}
process.exit(flags.includes('--serve') ? await serve(reaps) : await runOne());
