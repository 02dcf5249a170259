/** One job of an environment: what it is told by variables becomes what it works with. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inspect } from 'node:util';
import { JOB_MARK } from '../../core/disk/processes.ts';
import { RUNNER_EXIT } from '../../core/engine/exit-codes.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import { loadLarge } from '../../core/engine/objects.ts';
import type { Objects, TaskResult } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { machineVariables, type RunnerSettings, runnerSettings, type Variables } from '../../core/environment.ts';
import { fileAccess } from '../../core/files/access.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { openStores, type StoreOptions } from '../../core/files/stores.ts';
import type { Table } from '../../core/values/table.ts';
import type { Ports } from './cloud.ts';
import { type JobContext, runJob } from './job.ts';
import { type EndableLifetime, jobLifetime, TERMINATED } from './lifetime.ts';
import type { JobOutput } from './output.ts';
import { type JobSecrets, secretsOf } from './secrets.ts';

/** What a job is started with. */
export interface JobStart {
  readonly variables: Variables;
  readonly settings: RunnerSettings;
  readonly output: JobOutput;
  readonly lifetime: EndableLifetime;
  readonly mark: string;
}

/** Throws one error that names every variable that is missing or wrong. `reaps` as `jobProcesses` has it. */
export function startOf(variables: Variables, output: JobOutput, reaps: boolean): JobStart {
  const settings = runnerSettings(variables);
  const mark = `${settings.jobId}/${randomUUID()}`;
  return { variables, settings, output, mark, lifetime: jobLifetime(mark, reaps) };
}

/** Runs the job, and ends all that it has started; gives the exit code. */
export async function runToEnd(start: JobStart): Promise<number> {
  const { settings, output, lifetime } = start;
  // What a job makes is for the user, but for what says otherwise.
  if (settings.umask !== undefined) process.umask(settings.umask);
  const secrets = secretsOf(settings.secrets);
  try {
    return await run(start, secrets);
  } catch (thrown) {
    if (lifetime.signal.aborted) return TERMINATED;
    await output.err(`${secrets.hide(inspect(thrown))}\n`);
    return RUNNER_EXIT.trouble;
  } finally {
    await lifetime.processes.end();
  }
}

async function run(start: JobStart, secrets: JobSecrets): Promise<number> {
  const ports = await openPorts(start.settings);
  const spec = await readSpec(ports.specs, start.settings.spec, start.settings.arrayIndex ?? 0);
  return await runJob(jobContext(start, ports, spec, secrets), spec, start.lifetime);
}

function jobContext(
  { variables, settings, output, mark }: JobStart,
  { objects, attempts, s3 }: Ports,
  { web }: JobSpec,
  secrets: JobSecrets,
): JobContext {
  const folder = settings.store.kind === 'folder' ? settings.store.path : undefined;
  const options: StoreOptions = {
    root: settings.filesRoot,
    versions: folder && join(folder, 'versions'),
    placed: folder && join(folder, 'placed'),
    s3,
    web,
    proxies: settings.proxies,
    // In a container of its own a job has no other local files than those it makes.
    ...(folder === undefined &&
      settings.filesRoot === undefined && { reach: { below: settings.work ?? tmpdir(), buckets: undefined } }),
  };
  const seen = machineVariables(variables);
  const machine = { ...seen, PATH: toolPath(seen.PATH), [JOB_MARK]: mark };
  const work = settings.work ?? join(tmpdir(), 'redex');
  return {
    objects,
    attempts,
    files: observeFiles(options),
    places: { stores: openStores(options), work, machine, output },
    secrets,
    holder: holderOf(settings),
    loadArgs: (spec) => loadLarge(objects, spec.args),
    call: (spec, args) => callTask({ objects, options, folder: folder ?? work, machine, secrets, output }, spec, args),
    log: (line) => void output.err(`[redex] ${secrets.hide(line)}\n`),
  };
}

/** In an image: bash and mkfifo, for images that have none. */
const OWN_TOOLS = join(import.meta.dirname, 'bin');
const USUAL_PATH = '/usr/local/bin:/usr/bin:/bin';

/** The image's own tools come first. */
function toolPath(path = USUAL_PATH): string {
  return existsSync(OWN_TOOLS) ? [path, OWN_TOOLS].join(delimiter) : path;
}

/** What is not needed is not loaded: a folder needs no SDK. */
async function openPorts({ store, attemptsTable, scratch }: RunnerSettings): Promise<Ports> {
  if (store.kind === 'folder') {
    const [{ folderObjects }, { folderAttempts }] = await Promise.all([
      import('../../core/disk/objects.ts'),
      import('../../core/disk/attempts.ts'),
    ]);
    const objects = folderObjects(store.path);
    return { objects, specs: objects, attempts: folderAttempts(store.path) };
  }
  if (!attemptsTable) throw new Error('REDEX_TABLE_ATTEMPTS is needed where REDEX_STORE is on S3');
  const { cloudPorts } = await import('./cloud.ts');
  return cloudPorts(store, attemptsTable, { scratch });
}

/** A child of an array is known to the executor's events by its parent's id and its index. */
function holderOf({ jobId, arrayIndex }: RunnerSettings): string {
  return arrayIndex === undefined || jobId.includes(':') ? jobId : `${jobId}:${arrayIndex}`;
}

interface TaskCall {
  readonly objects: Objects;
  readonly options: StoreOptions;
  readonly folder: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly secrets: JobSecrets;
  readonly output: JobOutput;
}

async function callTask(task: TaskCall, spec: JobSpec, args: Table): Promise<TaskResult> {
  const { objects, options, folder, machine, secrets, output } = task;
  const log = secrets.stream();
  const { NO_LIMITS, workerHost } = await import('../../core/host/host.ts');
  const host = workerHost({
    objects,
    folder: join(folder, 'bundles'),
    files: () => fileAccess(options),
    limits: NO_LIMITS,
    project: options.root,
    env: { ...machine, ...secrets.variables },
    log: (text) => void output.err(log.push(Buffer.from(text))),
  });
  try {
    return await host.run(spec.bundle, spec.task, args);
  } finally {
    await host.close();
    await output.err(log.end());
  }
}
