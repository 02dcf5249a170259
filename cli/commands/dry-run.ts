/** `redex run … --dry-run`: what would run and why. */

import { join } from 'node:path';
import { type DryWorld, type PlannedJob, readOnly } from '../../core/engine/dry-run.ts';
import { keys, sealed } from '../../core/engine/objects.ts';
import type { Objects } from '../../core/engine/ports.ts';
import type { Reason } from '../../core/engine/reasons.ts';
import { webProxies } from '../../core/environment.ts';
import { fileAccess } from '../../core/files/access.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { type Bundle, storeBundle } from '../../core/host/bundle.ts';
import { workerHost } from '../../core/host/host.ts';
import { inTemporaryFolder } from '../../core/host/temporary.ts';
import { makePlan } from '../../functions/plan.ts';
import type { Plan } from '../../functions/shapes.ts';
import type { StoredState } from '../../functions/stored.ts';
import { storeOf } from '../../local/settings.ts';
import { directClient, type RequestOf } from '../client.ts';
import { columns } from '../columns.ts';
import { openSession } from '../session/open.ts';
import { readingState } from '../session/reading.ts';
import { stateFolder, type Where } from '../session/where.ts';
import { asJson } from '../terminal.ts';

/** Prints the plan; gives whether the run would not fail, as far as that is known. `bundle`: code that was not deployed. */
export async function printDryRun(
  where: Where,
  bundle: Bundle | undefined,
  request: RequestOf<'plan'>,
  json: boolean,
): Promise<boolean> {
  const plan = await (where.stack === undefined && bundle
    ? readingState(where.root, (stored = NOTHING) => ownPlan(where.root, bundle, stored, request))
    : planOnAws(where, bundle, request));
  process.stdout.write(`${json ? asJson(plan) : dryRunText(plan).join('\n')}\n`);
  return plan.failure === undefined;
}

/** What is not deployed is put beside what is, under its own name: nothing else is written. */
async function planOnAws(where: Where, bundle: Bundle | undefined, request: RequestOf<'plan'>): Promise<Plan> {
  const session = await openSession(where, () => undefined);
  try {
    if (bundle) await storeBundle(session.objects, bundle);
    return await session.client.call('plan', request);
  } finally {
    await session.close();
  }
}

/** By the same function, which finds the project's bundle in a store where it is not. */
function ownPlan(root: string, bundle: Bundle, stored: StoredState, request: RequestOf<'plan'>): Promise<Plan> {
  return inTemporaryFolder(async (folder) => {
    const files = {
      root,
      versions: join(storeOf(stateFolder(root)), 'versions'),
      notesVersions: false,
      proxies: webProxies(process.env),
    };
    const objects = withBundle(stored.objects, bundle);
    const host = workerHost({
      objects,
      folder,
      project: root,
      files: (web) => readOnly(fileAccess({ ...files, web })),
    });
    const world: DryWorld = { ...stored, objects, host, files: observeFiles(files), clock: NO_CLOCK };
    const plan = makePlan(
      () => world,
      () => Promise.resolve(undefined),
    );
    try {
      return await directClient((_, event) => plan(event)).call('plan', request);
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
  executors: {},
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

/** The plan for people. Jobs of one task called from one place for one reason share a line. */
export function dryRunText({ workflow, cached, jobs, waiting, value, failure }: Plan): string[] {
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
    ...(value !== undefined && jobs.length === 0 ? ['The value is known: every job is cached.'] : []),
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
