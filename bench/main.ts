/** `npm run bench -- NAME [WORD…] [--json]`: one measurement, as a short table or as one object a line. */
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { type Figures, type Measurement, table } from './measurement.ts';

/** Each is loaded when it is asked for: what it does not need is not in its figures. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<Measurement>>> = {
  reduce: async () => (await import('./reduce.ts')).reduce,
  round: async () => (await import('./round.ts')).round,
  hop: async () => (await import('./hop.ts')).hop,
  local: async () => (await import('./local.ts')).local,
  rerun: async () => (await import('./rerun.ts')).rerun,
  large: async () => (await import('./large.ts')).large,
  cost: async () => (await import('./cost.ts')).cost,
  files: async () => (await import('./files.ts')).files,
  start: async () => (await import('./start.ts')).start,
  wfcommons: async () => (await import('./wfcommons.ts')).wfcommons,
  fanout: async () => (await import('./fanout.ts')).fanout,
};

async function main(words: readonly string[]): Promise<void> {
  const json = words.includes('--json');
  const [name, ...rest] = words.filter((word) => word !== '--json');
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(await help());
    return;
  }
  const load = Object.hasOwn(MEASUREMENTS, name) ? MEASUREMENTS[name] : undefined;
  if (!load) throw new Error(`there is no measurement ${name}: there are ${Object.keys(MEASUREMENTS).join(', ')}`);
  const measurement = await load();
  const rows: Figures[] = [];
  for await (const row of measurement.measure(rest)) {
    rows.push(row);
    if (json) process.stdout.write(`${JSON.stringify({ measurement: name, ...row, ...machine() })}\n`);
  }
  if (!json) process.stdout.write(`${table(rows)}\n${Object.values(machine()).join(', ')}\n`);
}

async function help(): Promise<string> {
  const lines = Object.entries(MEASUREMENTS).map(async ([name, load]) => {
    const { title, usage } = await load();
    return `  ${`${name} ${usage}`.padEnd(32)} ${title}\n`;
  });
  return `npm run bench -- NAME [WORD…] [--json]\n\n${(await Promise.all(lines)).join('')}`;
}

function machine(): Figures {
  const [cpu] = cpus();
  return {
    redex: packageJson.version,
    node: process.version,
    system: `${type()} ${release()} ${arch()}`,
    cpu: `${availableParallelism()} × ${cpu?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    date: new Date().toISOString().slice(0, 10),
  };
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
