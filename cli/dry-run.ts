/** `redex run … --dry-run`: what would run and why. */
import { join } from 'node:path';
import { DRY_RUN_WRITE, type DryRun, type DryWorld, dryRun, type PlannedJob } from '../core/engine/dry-run.ts';
import type { LaunchRequest } from '../core/engine/launch.ts';
import { keys, sealed } from '../core/engine/objects.ts';
import type { Objects } from '../core/engine/ports.ts';
import type { Reason } from '../core/engine/reasons.ts';
import { webProxies } from '../core/environment.ts';
import { fileAccess } from '../core/files/access.ts';
import { observeFiles } from '../core/files/observe.ts';
import type { Bundle } from '../core/host/bundle.ts';
import { workerHost } from '../core/host/host.ts';
import { inTemporaryFolder } from '../core/host/temporary.ts';
import type { FileAccess } from '../core/values/classes.ts';
import { messageOf } from '../functions/start.ts';
import type { StoredState } from '../functions/stored.ts';
import { columns } from './columns.ts';
import { plain } from './pretty.ts';
import { readingState, stateFolder } from './session.ts';
import { asJson } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Prints the plan; gives whether the run would not fail, as far as that is known. */
export async function printDryRun(
  root: string,
  bundle: Bundle,
  request: LaunchRequest,
  json: boolean,
): Promise<boolean> {
  const plan = await readingState(root, (stored = NOTHING) => planOf(root, bundle, stored, request));
  const { value, ...rest } = plan;
  const text = json ? asJson({ ...rest, ...(value && { value: plain(value) }) }) : dryRunText(plan).join('\n');
  process.stdout.write(`${text}\n`);
  return plan.failure === undefined;
}

function planOf(root: string, bundle: Bundle, stored: StoredState, request: LaunchRequest): Promise<DryRun> {
  return inTemporaryFolder(async (folder) => {
    const files = {
      root,
      versions: join(stateFolder(root), 'store', 'versions'),
      notesVersions: false,
      proxies: webProxies(),
    };
    const objects = withBundle(stored.objects, bundle);
    const host = workerHost({
      objects,
      folder,
      project: root,
      files: (web) => readOnly(fileAccess({ ...files, web })),
    });
    const world: DryWorld = { ...stored, objects, host, files: observeFiles(files), clock: NO_CLOCK };
    try {
      const dry = await dryRun(world, request);
      if (!dry.ok) throw new UsageError(messageOf(dry.error));
      return dry.plan;
    } finally {
      await host.close();
    }
  });
}

const refuse = (): Promise<never> => Promise.reject(new Error('a dry run writes nothing'));

/** A project in which nothing was run. */
const NOTHING: StoredState = {
  cache: { read: () => Promise.resolve(new Map()), write: refuse },
  journal: { readAfter: () => Promise.resolve([]), append: refuse },
  objects: { get: () => Promise.resolve(undefined), put: refuse },
  summaries: { list: () => Promise.resolve([]), get: () => Promise.resolve(undefined), put: refuse },
};

const NO_CLOCK: DryWorld['clock'] = { now: () => Date.now(), nonce: () => '', sleep: () => Promise.resolve() };

/** The store as if the bundle were in it. */
function withBundle(objects: Objects, { hash, code, program }: Bundle): Objects {
  const parts = new Map([
    [keys.bundle(hash), Buffer.from(code)],
    [keys.program(hash), sealed(keys.program(hash), program)],
  ]);
  return { get: (key, range) => Promise.resolve(parts.get(key) ?? objects.get(key, range)), put: refuse };
}

function readOnly(files: FileAccess): FileAccess {
  const fail = (location: string): Promise<never> =>
    Promise.reject(Object.assign(new Error(`a dry run does not write ${location}`), { name: DRY_RUN_WRITE }));
  return {
    ...files,
    write: fail,
    copy: (_, to) => fail(to),
    copyDir: (_, to) => fail(to),
    concat: (_, to) => fail(to),
  };
}

/** The plan for people. Jobs of one task called from one place for one reason share a line. */
export function dryRunText({ workflow, cached, jobs, waiting, value, failure }: DryRun): string[] {
  const rows = new Map<string, { readonly job: PlannedJob; count: number }>();
  for (const job of jobs) {
    const key = JSON.stringify([job.task, job.executor, job.calls, reasonText(job.reason)]);
    const row = rows.get(key);
    if (row) row.count++;
    else rows.set(key, { job, count: 1 });
  }
  const table = columns(
    ['JOBS', 'TASK', 'EXECUTOR', 'WHY', 'CALLED BY'],
    [...rows.values()].map(({ job, count }) => [
      String(count),
      job.task,
      job.executor,
      reasonText(job.reason),
      callers(job.calls),
    ]),
    ['JOBS'],
  );
  const looked = jobs.filter((job) => job.looked).length;
  const waits = Object.entries(waiting).map(([task, count]) => `${count} ${task}`);
  return [
    `Dry run of ${workflow}: nothing was written.`,
    ...(jobs.length > 0 ? ['', ...table, ''] : []),
    `${cached} cached, ${jobs.length} would run${looked > 0 ? `, of which ${looked} inline were run to look further` : ''}.`,
    ...(waits.length > 0 ? [`Not known before those have run: ${waits.join(', ')}, and what they call.`] : []),
    ...(value && jobs.length === 0 ? ['The value is known: every job is cached.'] : []),
    ...(failure ? [`It would fail in ${failure.calls.join(' > ') || workflow}: ${failure.error}`] : []),
  ];
}

/** Callers shown: the nearest ones, of which there may be any number. */
const CALLERS_MAX = 2;

function callers(calls: readonly string[]): string {
  const all = calls.slice(0, -1);
  return [...(all.length > CALLERS_MAX ? ['…'] : []), ...all.slice(-CALLERS_MAX)].join(' > ');
}

function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case 'changed file':
      return `changed file: ${reason.files.join(', ')}`;
    case 'changed code':
      return reason.helpers ? `changed code: ${reason.helpers.join(', ')}` : reason.kind;
    case 'changed tasks':
      return `changed tasks: ${reason.tasks.join(', ')}`;
    case 'new arguments':
      return reason.arguments.length > 0 ? `new arguments: ${reason.arguments.join(', ')}` : reason.kind;
    default:
      return reason.kind;
  }
}
