/** `npm run fuzz -- --programs 100000 [--seed N]`: the properties of this folder on as many random programs as wanted. */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { PROPERTIES } from './properties.ts';

/** Between two lines of progress. */
const BATCH = 2000;

const { values } = parseArgs({
  options: { programs: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});
const wanted = Number(values.programs);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

console.log(`${wanted} random programs, --seed ${seed}`);
for (let done = 0; done < wanted; done += BATCH) {
  for (const { name, share, property } of PROPERTIES) {
    const numRuns = Math.ceil(Math.min(BATCH, wanted - done) * share);
    const found = await fc.check(property, { numRuns, seed: seed + done });
    if (!found.failed) continue;
    console.error(`not so: ${name}\n${(found.errorInstance as Error).message}\n${fc.defaultReportMessage(found)}`);
    process.exit(1);
  }
  console.log(`${Math.min(done + BATCH, wanted)} programs: no difference`);
}
