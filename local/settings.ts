/** What a local cloud tells its handlers and its jobs by environment variables. */
import { join } from 'node:path';
import type { Variables } from '../core/environment.ts';
import type { FunctionName } from './functions.ts';

/** Tables of the local cloud; the folder has its own database, so the names need not tell clouds apart. */
export const TABLES = { runs: 'redex-runs', cache: 'redex-cache', attempts: 'redex-attempts' } as const;
export const STACK = 'local';
const QUEUE = 'local';

/** The lock of who has the cloud open: `takeLock` takes it. */
export function ownerOf(folder: string): string {
  return join(folder, 'owner');
}

export function databaseOf(folder: string): string {
  return join(folder, 'db');
}

/** Of cached evaluations. */
export function cacheOf(folder: string): string {
  return join(folder, 'cache');
}

/** Of objects and attempts. */
export function storeOf(folder: string): string {
  return join(folder, 'store');
}

/** Where what went wrong in a cloud is written down, one JSON line an event. */
export function logOf(folder: string): string {
  return join(folder, 'log.jsonl');
}

/** Where the local Batch writes what jobs say. */
export function jobLogsOf(folder: string): string {
  return join(folder, 'batch', 'logs');
}

/** File of the messages of the queue that were given up. */
export function deadLettersOf(folder: string): string {
  return join(folder, 'batch', 'dead-letters.jsonl');
}

export interface CloudPlaces {
  readonly dynamoDbUrl: string;
  readonly serverUrl: string;
  /** Folder of objects and attempts. */
  readonly store: string;
  /** Folder of what jobs write. */
  readonly jobLogs: string;
  /** File of the handlers' log. */
  readonly log: string;
  /** What relative file locations are relative to. */
  readonly root: string;
  /** Names this ownership of the database. */
  readonly sender: string;
  readonly sweepPeriodMs?: number;
  /** The user's, where this process has another. */
  readonly umask?: number | undefined;
}

/** For the handlers, beside what their user has set. */
export function cloudVariables(places: CloudPlaces): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: places.dynamoDbUrl,
    AWS_ENDPOINT_URL_BATCH: places.serverUrl,
    AWS_ENDPOINT_URL_EVENTBRIDGE: places.serverUrl,
    AWS_ENDPOINT_URL_SQS: places.serverUrl,
    REDEX_LOCAL: '1',
    REDEX_STACK: STACK,
    REDEX_TABLE_RUNS: TABLES.runs,
    REDEX_TABLE_CACHE: TABLES.cache,
    REDEX_TABLE_ATTEMPTS: TABLES.attempts,
    REDEX_STORE: places.store,
    REDEX_FILES_ROOT: places.root,
    REDEX_JOB_LOGS: places.jobLogs,
    REDEX_LOG: places.log,
    REDEX_SENDER: places.sender,
    REDEX_BUS: 'default',
    REDEX_EVENTS: `${places.serverUrl}/events`,
    REDEX_QUEUE: QUEUE,
    ...umaskVariable(places),
    ...(places.sweepPeriodMs && { REDEX_SWEEP_SECONDS: String(Math.ceil(places.sweepPeriodMs / 1000)) }),
  };
}

/** What jobs are told by the local Batch, whatever else they are told. */
export function jobVariables(places: Pick<CloudPlaces, 'store' | 'root' | 'umask'>): Readonly<Record<string, string>> {
  return {
    REDEX_STORE: places.store,
    REDEX_FILES_ROOT: places.root,
    ...umaskVariable(places),
    // The runner's standard input ends when this process does.
    REDEX_PARENT_PIPE: '1',
  };
}

function umaskVariable({ umask }: Pick<CloudPlaces, 'umask'>): Readonly<Record<string, string>> {
  return umask === undefined ? {} : { REDEX_UMASK: umask.toString(8) };
}

/** Also what AWS Batch would set. Endpoints for S3 lead jobs to the files that the engine looks at. */
const FOR_HANDLERS = /^(REDEX_|AWS_BATCH_|AWS_ENDPOINT_URL_(DYNAMODB|BATCH|EVENTBRIDGE|SQS)$)/;

/** What jobs inherit from the user's environment: all of it but what is meant for handlers. */
export function inheritedVariables(environment: Variables): Variables {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !FOR_HANDLERS.test(name)));
}

/** Of the HTTP API. */
export function apiUrlOf({ url }: { readonly url: string }): string {
  return `${url}/api`;
}

export function invocationUrl({ url }: { readonly url: string }, name: FunctionName): string {
  return `${url}/2015-03-31/functions/${name}/invocations`;
}
