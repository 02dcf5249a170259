/**
 * `npm run demo`: `workflows/bioinfo-batch` on simulated reads, checked against what was simulated. Installs Debian's tools
 * where it may; where it may not, says what to install and runs a workflow that needs none.
 */
import { spawn } from 'node:child_process';
import { checkAgainstTruth, TOLERANCE_BASES } from './truth.ts';

const OUTPUT = 'demo';
const SAMPLES = ['expt', 'toy'];
const RIGHT_FRACTION_MIN = 0.99;

/** What either profile of the workflow calls, by the Debian package that has it. */
const COMMON_TOOLS = {
  samtools: 'samtools',
  wgsim: 'samtools',
  cutadapt: 'cutadapt',
  bgzip: 'tabix',
  tabix: 'tabix',
  Rscript: 'r-base-core',
};
const DEBIAN_TOOLS = { bwa: 'bwa', PicardCommandLine: 'picard-tools' };

interface Ended {
  readonly ok: boolean;
  /** Both streams of a silent command. */
  readonly text: string;
}

/** Runs a command; shows what it writes, unless it is to be silent. Never rejects. */
function run(command: string, args: readonly string[], how: 'shown' | 'silent' = 'silent'): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: how === 'shown' ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => resolve({ ok: false, text: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, text: Buffer.concat(chunks).toString() }));
  });
}

async function has(command: string): Promise<boolean> {
  return (await run('sh', ['-c', 'command -v "$1"', 'sh', command])).ok;
}

/** Packages to install; none where the container's tools are. */
async function missingPackages(): Promise<string[]> {
  const container = (await has('gatk')) && (await has('bwa-mem2'));
  const tools = Object.entries(container ? COMMON_TOOLS : { ...COMMON_TOOLS, ...DEBIAN_TOOLS });
  const missing = await Promise.all(tools.map(async ([command, name]) => ((await has(command)) ? [] : [name])));
  return [...new Set(missing.flat())];
}

/** Installs packages as root, without questions. Gives the reason where it cannot. */
async function install(packages: readonly string[]): Promise<string | undefined> {
  if (!(await has('apt-get'))) return 'there is no apt-get';
  const root = process.getuid?.() === 0;
  if (!root && !(await run('sudo', ['-n', 'true'])).ok) return 'that takes root, or sudo without a password';
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=120', '--assume-yes'];
  const [command = '', ...words] = root ? apt : ['sudo', '-n', ...apt];
  console.error('demo: reading the package lists (apt-get update)');
  const updated = await run(command, [...words, 'update']);
  console.error(`demo: installing ${packages.join(' ')} (apt-get install; a few minutes at most)`);
  const installed = await run(command, [...words, 'install', '--no-install-recommends', ...packages]);
  if (installed.ok) {
    const missing = await missingPackages();
    return missing.length === 0 ? undefined : `${missing.join(' ')} installed, but the tools are not on PATH`;
  }
  const said = (updated.ok ? installed : updated).text.trim().split('\n');
  return `apt-get failed: ${said.findLast((line) => line.startsWith('E:')) ?? said.at(-1) ?? ''}`;
}

/** Runs a workflow with the command line, as anybody would. */
async function redex(workflow: string, args: readonly string[]): Promise<boolean> {
  console.error(`demo: redex run ${[workflow, ...args].join(' ')}`);
  const entry = new URL('../../cli/redex.mjs', import.meta.url).pathname;
  return (await run(process.execPath, [entry, 'run', workflow, ...args], 'shown')).ok;
}

/** Prints a line for each sample; gives whether all is well. */
async function check(sample: string): Promise<boolean> {
  const bam = `${OUTPUT}/${sample}/${sample}.recalib.bam`;
  const whole = await run('samtools', ['quickcheck', '-v', bam]);
  if (!whole.ok) {
    console.log(`${sample}: samtools quickcheck finds ${bam} damaged: ${whole.text.split('\n')[0] ?? ''}`);
    return false;
  }
  const { reads, right } = await checkAgainstTruth(bam);
  const percent = ((100 * right) / reads).toFixed(2);
  console.log(
    `${sample}: ${bam} passes samtools quickcheck; ${right} of ${reads} reads (${percent} %) lie within ` +
      `${TOLERANCE_BASES} bases of where they were simulated`,
  );
  return right >= RIGHT_FRACTION_MIN * reads;
}

async function demo(): Promise<boolean> {
  const packages = await missingPackages();
  const reason = packages.length === 0 ? undefined : await install(packages);
  if (reason !== undefined) {
    console.error(
      `demo: install ${packages.join(' ')} for the whole demo (${reason}); now a workflow that needs no tools`,
    );
    return redex('hello.say_hello', ['--name', 'redex', '--output-path', OUTPUT]);
  }
  const ran =
    (await redex('bioinfo_batch.prepare_samples', ['--output-path', OUTPUT])) &&
    (await redex('bioinfo_batch.main', ['--samples-file', `${OUTPUT}/samples.txt`, '--output-path', OUTPUT]));
  if (!ran) return false;
  const checks: boolean[] = [];
  for (const sample of SAMPLES) checks.push(await check(sample));
  return checks.every(Boolean);
}

// Ctrl-C is for the command that runs: it stops its jobs and says how to resume.
process.on('SIGINT', () => undefined);
try {
  process.exitCode = (await demo()) ? 0 : 1;
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
