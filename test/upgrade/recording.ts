/** A run in the middle of it as AWS would hold it: items, objects, and the jobs that Batch knows. One gzipped file each. */

import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type AttributeValue, PutItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import type { DescribedJob } from '../../core/aws/batch/jobs.ts';
import { dynamoCache } from '../../core/aws/cache.ts';
import { dynamoJournal } from '../../core/aws/journal.ts';
import { dynamoSummaries } from '../../core/aws/summaries.ts';
import type { SubmissionRequest } from '../../core/engine/executor.ts';
import { loadLarge } from '../../core/engine/objects.ts';
import type { RunSummary, TaskTally } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { workerHost } from '../../core/host/host.ts';
import type { Hash, RunId } from '../../core/values/ids.ts';
import { type TestDynamo, tableNames } from '../support/dynamo.ts';
import { type MemoryWorld, memoryWorld } from '../support/memory-world.ts';
import { plain, playJobs } from '../support/play.ts';

export const RUN = 'upgrade' as RunId;
export const SHEET = { location: 's3://lab/sheet.csv', version: '1' };

export type Item = Record<string, AttributeValue>;

interface Job {
  readonly request: SubmissionRequest;
  /** As Batch described the job, then each child of an array. */
  readonly verdicts: readonly DescribedJob[];
}

/** What a release left of a run that it had taken half way. */
export interface Half {
  /** The release, as package.json has it. */
  readonly release: string;
  readonly bundle: Hash;
  /** ms since the epoch, of its last write. */
  readonly at: number;
  readonly tables: Readonly<Record<keyof typeof tableNames, readonly Item[]>>;
  /** By key; base64. */
  readonly objects: Readonly<Record<string, string>>;
  readonly jobs: readonly Job[];
}

/** How that release took it to its end. */
export interface Ending {
  readonly result: unknown;
  readonly tally: Readonly<Record<string, TaskTally>>;
  /** Calls of functions in the second half, by task. */
  readonly called: Readonly<Record<string, number>>;
  /** Requests to Batch in the second half. */
  readonly submitted: number;
}

export interface Recording {
  readonly half: Half;
  readonly ending: Ending;
  /** Of all that the release wrote, in both halves (`shapes.ts`). */
  readonly shapes: readonly string[];
}

/** Bytes in items are `{"B": {"base64": …}}`. */
export function written(recording: Recording): Buffer {
  const text = JSON.stringify(recording, (_, value: unknown) =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
  );
  return gzipSync(text, { level: 9 });
}

export function readRecording(path: string): Recording {
  return JSON.parse(gunzipSync(readFileSync(path)).toString(), (_, value: unknown) => {
    const { base64 } = (value ?? {}) as { readonly base64?: string };
    return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : value;
  }) as Recording;
}

export interface UpgradeWorld extends MemoryWorld {
  /** Calls of functions so far, by task: what a machine or a function had to do. */
  readonly called: Record<string, number>;
  close(): Promise<void>;
}

/** Storage as on AWS, bundles in real workers, jobs that a test plays. `folder`: for unpacked bundles. */
export function openWorld({ client }: TestDynamo, folder: string): UpgradeWorld {
  const memory = memoryWorld();
  const { objects, clock } = memory;
  const host = workerHost({ objects, folder });
  const called: Record<string, number> = {};
  return {
    ...memory,
    called,
    journal: dynamoJournal(client, tableNames.runs, objects),
    summaries: dynamoSummaries(client, tableNames.runs, objects),
    cache: dynamoCache(client, tableNames.cache, objects, clock),
    attempts: dynamoAttempts(client, tableNames.attempts, objects, clock),
    host: {
      ...host,
      run(bundle, task, args) {
        called[task] = (called[task] ?? 0) + 1;
        return host.run(bundle, task, args);
      },
    },
    close: () => host.close(),
  };
}

export async function itemsOf({ client }: TestDynamo, table: keyof typeof tableNames): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of paginateScan({ client }, { TableName: tableNames[table] }))
    items.push(...(page.Items ?? []));
  return items;
}

/** Puts the half into an empty world, whose clock then stands where the recording's stood. */
export async function restore(dynamo: TestDynamo, world: UpgradeWorld, half: Half): Promise<void> {
  for (const [table, items] of Object.entries(half.tables)) {
    const TableName = tableNames[table as keyof typeof tableNames];
    await Promise.all(items.map((Item) => dynamo.client.send(new PutItemCommand({ TableName, Item }))));
  }
  for (const [key, bytes] of Object.entries(half.objects)) await world.objects.put(key, Buffer.from(bytes, 'base64'));
  for (const { request, verdicts } of half.jobs) {
    // Ids are given in order, and so are the same.
    await world.batch.submit(request);
    for (const verdict of verdicts) world.batch.report(verdict.id, verdict);
  }
  world.files.versions.set(SHEET.location, SHEET.version);
  world.clock.advance(half.at - world.clock.now());
}

/** Until a claim that nobody acknowledged is overdue: 60 s after its deadline. */
const OVERDUE_MS = 5 * 60_000;
const ROUNDS_MAX = 50;

/** Plays jobs and rounds to the run's end. `look` is called after each round. */
export async function finished(
  world: UpgradeWorld,
  look: () => Promise<void> = () => Promise.resolve(),
): Promise<Ending & { readonly summary: RunSummary }> {
  const jobs = world.batch.jobs.length;
  world.clock.advance(OVERDUE_MS);
  let { status } = await round(world, RUN, [], { ask: true });
  for (let rounds = 0; status === 'RUNNING' && rounds < ROUNDS_MAX; rounds++) {
    await look();
    // Each is told of by itself, as in the first half.
    for (const report of await playJobs(world)) ({ status } = await round(world, RUN, [report]));
  }
  await look();
  const summary = (await world.summaries.get(RUN)) as RunSummary;
  const result = summary.result && plain(await loadLarge(world.objects, summary.result));
  const submitted = world.batch.jobs.length - jobs;
  // As JSON has it, since that is what it is compared with.
  const ending = JSON.parse(
    JSON.stringify({ result, tally: summary.tally, called: world.called, submitted }),
  ) as Ending;
  return { ...ending, summary };
}
