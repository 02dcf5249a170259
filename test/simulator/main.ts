/**
 * `npm run sim -- --seeds N [--seed S] [--trace]`: many histories, or one told line by line. `--crashes`: a crash at every
 * call of a port, and a second one at every call after that.
 */
import { parseArgs } from 'node:util';
import { CORPUS, type CrashReport, crashEverywhere, SMALLEST } from './crashes.ts';
import { shrink } from './shrink.ts';
import { type History, simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    /** The first of many. */
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    crashes: { type: 'boolean', default: false },
  },
});

async function tell(seed: number): Promise<number> {
  const history = await simulate({ seed, ...(values.trace && { trace: (line: string) => console.log(line) }) });
  if (history.violation) await report(history);
  else
    console.log(`seed ${seed}: ${history.scenario.workflow.name}, ${history.faults.happened.length} faults, all well`);
  return history.violation ? 1 : 0;
}

async function report(history: History): Promise<void> {
  const { seed, scenario, violation } = history;
  console.log(`seed ${seed} fails: ${violation}`);
  console.log(`  ${JSON.stringify({ ...scenario, workflow: scenario.workflow.name })}`);
  const shrunk = await shrink(history);
  console.log(
    `  with ${shrunk.faults.happened.length} of ${history.faults.happened.length} faults: ${shrunk.violation}`,
  );
  for (const { point, site, kind } of shrunk.faults.happened) console.log(`    at point ${point} (${site}): ${kind}`);
  console.log(`  npm run sim -- --seed ${seed} --trace`);
}

async function many(from: number, count: number): Promise<number> {
  const began = performance.now();
  let failures = 0;
  for (let seed = from; seed < from + count; seed++) {
    const history = await simulate({ seed });
    if (!history.violation) continue;
    failures++;
    await report(history);
    if (failures >= 5) break;
  }
  console.log(`${count} seeds, ${failures} failing, ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return failures > 0 ? 1 : 0;
}

async function crashes(): Promise<number> {
  let failures = 0;
  const tellOf = (name: string, report: CrashReport) => {
    failures += report.failures.length;
    console.log(`${name}: ${report.calls} calls, ${report.played} histories, ${report.failures.length} failing`);
    for (const { plan, violation } of report.failures) console.log(`  ${JSON.stringify(plan)}: ${violation}`);
  };
  for (const workflow of CORPUS) tellOf(workflow.name, await crashEverywhere(workflow, { second: 'none' }));
  for (const workflow of SMALLEST)
    tellOf(`${workflow.name}, twice`, await crashEverywhere(workflow, { second: 'both' }));
  return failures > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  if (values.crashes) return await crashes();
  return await (values.seed ? tell(Number(values.seed)) : many(Number(values.from), Number(values.seeds)));
}

process.exitCode = await main();
