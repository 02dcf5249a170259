/**
 * One job after another in one process, which is what a local cloud asks for: a start of Node takes as long as twenty
 * scripts. Nothing of a job stays for the next one:
 *
 * 1. Authors' code never runs in this process: a script is a program, a function has a worker of its own.
 * 2. A job's variables, log, folder, mark and secrets come with it and go with it.
 * 3. After a job that ended in any other way than with a record, or that left anything running, even one that has only
 *    ended, this process ends, and the next job has another.
 *
 * Standard input brings a job a line, standard output tells of each that it was taken and how it ended.
 */
import { createInterface } from 'node:readline';
import type { ServeReply, ServeRequest } from '../../core/engine/serving.ts';
import { stored } from '../../core/values/json.ts';
import { EXIT } from './job.ts';
import { type EndableLifetime, endWithParent, passSignalsOn } from './lifetime.ts';
import { fileOutput } from './output.ts';
import { runToEnd, startOf } from './run.ts';

const RECORDED: ReadonlySet<number> = new Set([EXIT.recorded, EXIT.failed, EXIT.refused]);
/** What large results leave of the heap is given back by its end. */
const RESIDENT_BYTES_MAX = 256 * 1024 * 1024;

/** Gives the exit code of the last job, when there is to be no other. */
export async function serve(reaps: boolean): Promise<number> {
  let current: EndableLifetime | undefined;
  passSignalsOn(() => current);
  for await (const line of lines(() => current)) {
    const { job, variables, log } = stored<ServeRequest>(line);
    tell({ taken: job });
    const output = fileOutput(log);
    const start = startOf(variables, output, reaps);
    current = start.lifetime;
    const exitCode = await runToEnd(start);
    const isSound = RECORDED.has(exitCode) && !current.signal.aborted && current.processes.areNone();
    const again = isSound && process.memoryUsage.rss() < RESIDENT_BYTES_MAX;
    current = undefined;
    output.close();
    tell({ ended: job, exitCode, again });
    if (!again) return exitCode;
  }
  return EXIT.recorded;
}

/** The end of standard input ends this process. */
function lines(current: () => EndableLifetime | undefined): AsyncIterable<string> {
  const found = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  endWithParent(current);
  // Waiting for a job is a reason to stay.
  process.stdin.ref?.();
  return found;
}

function tell(reply: ServeReply): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
