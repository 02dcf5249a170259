/** The program that every job runs as: in its container, or as a child process of the local cloud. */
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inspect } from 'node:util';
import { JOB_MARK } from '../../core/disk/processes.ts';
import { RUNNER_EXIT } from '../../core/engine/exit-codes.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import { loadLarge } from '../../core/engine/objects.ts';
import type { Objects, TaskResult } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { machineVariables, type RunnerSettings, runnerSettings } from '../../core/environment.ts';
import { fileAccess } from '../../core/files/access.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { openStores, type StoreOptions } from '../../core/files/stores.ts';
import type { Table } from '../../core/values/table.ts';
import type { Ports } from './cloud.ts';
import { type JobContext, runJob } from './job.ts';
import { type Lifetime, TERMINATED, watchLifetime } from './lifetime.ts';
import { type JobSecrets, secretsOf } from './secrets.ts';

async function main(settings: RunnerSettings, secrets: JobSecrets, lifetime: Lifetime, mark: string): Promise<number> {
  const ports = await openPorts(settings);
  const spec = await readSpec(ports.specs, settings.spec, settings.arrayIndex ?? 0);
  return await runJob(jobContext(settings, ports, spec, secrets, mark), spec, lifetime);
}

function jobContext(
  settings: RunnerSettings,
  { objects, attempts, s3 }: Ports,
  { web }: JobSpec,
  secrets: JobSecrets,
  mark: string,
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
  const machine = { ...machineVariables(), PATH: toolPath(machineVariables().PATH), [JOB_MARK]: mark };
  const work = settings.work ?? join(tmpdir(), 'redex');
  return {
    objects,
    attempts,
    files: observeFiles(options),
    places: { stores: openStores(options), work, machine },
    secrets,
    holder: holderOf(settings),
    loadArgs: (spec) => loadLarge(objects, spec.args),
    call: (spec, args) => callTask({ objects, options, folder: folder ?? work, machine, secrets }, spec, args),
    log: (line) => process.stderr.write(`[redex] ${secrets.hide(line)}\n`),
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
}

async function callTask(task: TaskCall, spec: JobSpec, args: Table): Promise<TaskResult> {
  const { objects, options, folder, machine, secrets } = task;
  const log = secrets.stream();
  const { NO_LIMITS, workerHost } = await import('../../core/host/host.ts');
  const host = workerHost({
    objects,
    folder: join(folder, 'bundles'),
    files: () => fileAccess(options),
    limits: NO_LIMITS,
    project: options.root,
    env: { ...machine, ...secrets.variables },
    log: (text) => process.stderr.write(log.push(Buffer.from(text))),
  });
  try {
    return await host.run(spec.bundle, spec.task, args);
  } finally {
    await host.close();
    process.stderr.write(log.end());
  }
}

// In the container before the job's own, where an image of tools is used as it is.
const [, , flag, target] = process.argv;
if (flag === '--place' && target !== undefined) {
  cpSync(import.meta.dirname, target, { recursive: true });
  process.exit();
}
// A log that cannot be written, on a full disk, is no reason for a job to end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
const settings = runnerSettings();
// What a job makes is for the user, but for what says otherwise.
if (settings.umask !== undefined) process.umask(settings.umask);
const secrets = secretsOf(settings.secrets);
const mark = `${settings.jobId}/${randomUUID()}`;
const lifetime = watchLifetime(settings.parentPipe, mark);
try {
  process.exitCode = await main(settings, secrets, lifetime, mark);
} catch (thrown) {
  if (!lifetime.signal.aborted) console.error(secrets.hide(inspect(thrown)));
  process.exitCode = lifetime.signal.aborted ? TERMINATED : RUNNER_EXIT.trouble;
}
await lifetime.processes.end();
process.exit();
