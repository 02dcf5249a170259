/** What is right and wrong with a laptop, from what was found on it. Pure. */
import { FOLDER_MODE } from '../../core/disk/write.ts';
import type { ProgramExecutor } from '../../core/values/program.ts';
import type { Holder } from '../../local/attach.ts';
import type { DeadLetters } from '../../local/queue.ts';
import { type CheckResult, counted, oneLine, right, wrong } from './checks.ts';

export interface LaptopFacts {
  /** The project's folder, and redex's state in it. */
  readonly root: string;
  readonly folder: string;
  readonly redex: string;
  /** Version of the Node that this is, and what package.json asks for, as `>=20.19`. */
  readonly node: string;
  readonly engines: string;
  /** `linux`, `darwin`, … */
  readonly platform: string;
  /** Programs that `PATH` does not lead to. */
  readonly missing: readonly string[];
  readonly procIsReadable: boolean;
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** For this user, where the state is or will be. */
  readonly freeBytes: number;
  /** undefined: nothing was run here yet. */
  readonly state: StateFolder | undefined;
  readonly config: Loaded;
  readonly workflows: Loaded;
  readonly executors: Readonly<Record<string, ProgramExecutor>>;
  /** Executors and tasks that name an image. */
  readonly imageNamers: readonly string[];
  /** Whether a Docker answers; undefined: nobody needs one, and none was asked. */
  readonly docker: boolean | undefined;
}

export interface StateFolder {
  /** Who has it, and who asks; undefined where there are no users. */
  readonly owner: number;
  readonly user: number | undefined;
  /** Permission bits. */
  readonly mode: number;
  readonly writable: boolean;
  /** undefined where the state is not for this user to open. */
  readonly inside: Inside | undefined;
}

export interface Inside {
  readonly holder: Holder;
  /** What is wrong with the database; undefined: it opens, or another process has it open. */
  readonly damage: string | undefined;
  readonly deadLetters: DeadLetters & { readonly file: string };
}

/** What loading it gave, or why it cannot be loaded. */
export type Loaded =
  | { readonly kind: 'none' }
  | { readonly kind: 'loads'; readonly said: string }
  | { readonly kind: 'fails'; readonly problem: string };

const GIB = 1024 ** 3;
/** A job's folder holds copies of its inputs: with less than this even small ones are in doubt. */
const FREE_BYTES_MIN = GIB;
/** A worker may have 512 MB, and Node itself needs some. */
const MEMORY_MIB_MIN = 1024;

/** What each program is for; without the first two no script runs. */
const NEEDED: Readonly<Record<string, string>> = {
  bash: 'apt-get install bash',
  mkfifo: 'apt-get install coreutils',
};

export function laptopChecks(facts: LaptopFacts): CheckResult[] {
  return [
    nodeCheck(facts),
    toolsCheck(facts),
    processesCheck(facts),
    machineCheck(facts),
    diskCheck(facts),
    ...stateChecks(facts),
    loadedCheck('configuration', facts.config, 'there is no redex.config.ts: every task runs in the reducer'),
    loadedCheck('workflows', facts.workflows, 'there is no workflow.ts, nor one below workflows/'),
    dockerCheck(facts),
  ];
}

function nodeCheck({ redex, node, engines }: LaptopFacts): CheckResult {
  const said = `redex ${redex} on Node ${node}`;
  if (satisfies(node, engines)) return right('node', said);
  return wrong('node', { said: `${said}, and ${engines} is needed`, advice: 'install a newer Node, then npm ci' });
}

/** Of ranges as package.json has them: `>=MAJOR`, `>=MAJOR.MINOR` or `>=MAJOR.MINOR.PATCH`. Throws on any other. */
export function satisfies(version: string, range: string): boolean {
  const least = /^>=\s*(\d+(?:\.\d+){0,2})$/.exec(range)?.[1];
  if (least === undefined) throw new Error(`engines.node is ${range}, and only >=VERSION is understood`);
  const [have, want] = [version, least].map((text) => text.split('.').map(Number));
  for (const [at, part] of (want ?? []).entries()) {
    const own = have?.[at] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

function toolsCheck({ missing }: LaptopFacts): CheckResult {
  const needed = missing.filter((name) => name in NEEDED);
  if (needed.length > 0) {
    const said = `PATH leads to no ${needed.join(' and no ')}, without which no script runs`;
    return wrong('tools', { said, advice: needed.map((name) => NEEDED[name]).join('; ') });
  }
  if (missing.includes('perl')) {
    return right('tools', 'bash and mkfifo; without perl, daemons that empty their environment outlive their job');
  }
  return right('tools', 'bash, mkfifo and perl');
}

function processesCheck({ platform, procIsReadable }: LaptopFacts): CheckResult {
  if (procIsReadable) return right('processes', 'what a job leaves running is found under /proc');
  if (platform !== 'linux') return right('processes', 'there is no /proc here: a job is its process group');
  return wrong('processes', {
    said: '/proc cannot be read: what a job leaves running is not found, and outlives it',
    advice: 'mount -t proc proc /proc, as root or where the container is started',
  });
}

function machineCheck({ vcpus, memoryMiB, executors }: LaptopFacts): CheckResult {
  const said = `${counted(vcpus, 'processor')} and ${inGiB(memoryMiB * 1024 ** 2)} of memory, as seen from here`;
  if (memoryMiB < MEMORY_MIB_MIN) {
    const advice = 'give this machine, or its container, 1 GiB at least';
    return wrong('machine', { said: `${said}: redex and one job need more`, advice });
  }
  const large = Object.entries(executors).filter(
    ([, { type, vcpus: asked = 1, memory = 0 }]) => type === 'batch' && (asked > vcpus || memory * 1024 > memoryMiB),
  );
  const alone = large.map(([name]) => name).join(', ');
  return right('machine', large.length === 0 ? said : `${said}; jobs of ${alone} ask for more and run alone`);
}

function diskCheck({ root, freeBytes }: LaptopFacts): CheckResult {
  const said = `${inGiB(freeBytes)} free for ${root}`;
  if (freeBytes >= FREE_BYTES_MIN) return right('disk', said);
  return wrong('disk', { said, advice: 'free some space: a job copies its inputs, and its results are written here' });
}

function inGiB(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

function stateChecks({ folder, state }: LaptopFacts): CheckResult[] {
  if (!state) return [right('state', 'nothing was run here yet')];
  return [stateCheck(folder, state), ...(state.inside ? insideChecks(folder, state.inside) : [])];
}

function stateCheck(folder: string, { owner, user, mode, writable }: StateFolder): CheckResult {
  if (user !== undefined && owner !== user) {
    const advice = `work as that user, or in a copy of the project; or chown -R ${user} ${folder}, if all of it is yours`;
    return wrong('state', { said: `${folder} belongs to another user (uid ${owner})`, advice });
  }
  if (!writable) {
    return wrong('state', { said: `${folder} cannot be written`, advice: `chmod 700 ${folder}, or mount it writable` });
  }
  if (mode !== FOLDER_MODE) {
    const said = `${folder} has mode ${mode.toString(8)}: journals, values and logs in it are for you alone`;
    return wrong('state', { said, advice: `chmod 700 ${folder}` });
  }
  return right('state', `${folder} is yours alone`);
}

function insideChecks(folder: string, { holder, damage, deadLetters }: Inside): CheckResult[] {
  return [cloudCheck(folder, holder), databaseCheck(folder, holder, damage), deadLettersCheck(deadLetters)];
}

function cloudCheck(folder: string, holder: Holder): CheckResult {
  switch (holder.kind) {
    case 'answers':
      return right('cloud', `process ${holder.pid} has it open, and answers`);
    case 'nobody':
      return right(
        'cloud',
        holder.killed === undefined
          ? 'no process has it open'
          : `process ${holder.killed}, which had it open, was killed: the next command carries its runs on`,
      );
    case 'silent': {
      const who = holder.pid === undefined ? 'another redex process' : `process ${holder.pid}`;
      const which = holder.pid === undefined ? `fuser ${folder}/owner/LOCK says which` : `kill ${holder.pid}`;
      const advice = `end it (${which}): the next command carries its runs on`;
      return wrong('cloud', { said: `${who} holds ${folder} and does not answer`, advice });
    }
  }
}

function databaseCheck(folder: string, holder: Holder, damage: string | undefined): CheckResult {
  if (damage !== undefined) {
    const advice = 'redex clean forgets all runs; results stay where they are';
    return wrong('database', { said: `the database in ${folder} does not open: ${oneLine(damage)}`, advice });
  }
  return right('database', holder.kind === 'nobody' ? 'it opens' : 'another process has it open');
}

function deadLettersCheck({ count, file, reason = '' }: Inside['deadLetters']): CheckResult {
  if (count === 0) return right('dead letters', 'every event could be handled');
  return wrong('dead letters', {
    said: `${counted(count, 'event')} could not be handled, the last since: ${oneLine(reason)}`,
    advice: `redex status says how runs are, and .redex/log.jsonl what failed; then rm ${file}`,
  });
}

function loadedCheck(name: string, loaded: Loaded, none: string): CheckResult {
  if (loaded.kind === 'none') return right(name, none);
  if (loaded.kind === 'loads') return right(name, loaded.said);
  return wrong(name, { said: oneLine(loaded.problem), advice: 'put that right, then look again' });
}

function dockerCheck({ docker, imageNamers }: LaptopFacts): CheckResult {
  const named = `${imageNamers.join(', ')} ${imageNamers.length === 1 ? 'names' : 'name'} an image`;
  if (docker === undefined) return right('docker', 'nothing names an image: jobs use the tools of this machine');
  if (docker) return right('docker', `${named}, and Docker answers`);
  return wrong('docker', {
    said: `${named}, and no Docker answers: jobs use the tools of this machine instead`,
    advice: 'start Docker, or choose a profile without an image (--profile)',
  });
}
