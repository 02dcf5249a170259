/** A process beside the one that owns the cloud. */
import { existsSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { folderHeldRuns } from '../core/disk/held.ts';
import { send as signal } from '../core/disk/processes.ts';
import type { Evaluation } from '../core/engine/ports.ts';
import type { Cloud, CloudOptions } from './cloud.ts';
import { type CloudEndpoint, readEndpoint } from './endpoint.ts';
import { takeLock } from './lock.ts';
import { openCloud } from './open-cloud.ts';
import { apiUrlOf, invocationUrl, ownerOf } from './settings.ts';

/** The cloud of a folder is another process's, and that cannot be had: the message says what to do. */
export class CloudUnreachable extends Error {
  override readonly name = 'CloudUnreachable';
}

/** A start takes a second or two, an end as long as jobs may take to stop. */
const WAIT_MS_MAX = 30_000;
const WAIT_STEP_MS = 50;

/** The folder's cloud: opened here, or, if another process has it, by way of that one. */
export async function attachOrOpen(options: CloudOptions): Promise<Cloud> {
  const folder = resolve(options.folder);
  const until = Date.now() + WAIT_MS_MAX;
  while (Date.now() < until) {
    const cloud = (await openCloud(options)) ?? (await attach(folder));
    if (cloud) return cloud;
    // Its owner is starting, or ending.
    await sleep(WAIT_STEP_MS);
  }
  throw new CloudUnreachable(`another redex process holds ${folder} but does not answer; try again, or end it`);
}

/** Attaches to the process that owns the folder's cloud; undefined when none answers. */
export async function attach(folder: string): Promise<Cloud | undefined> {
  const endpoint = readEndpoint(folder);
  if (!endpoint) return undefined;
  return (await answers(endpoint)) ? attached(folder, endpoint) : undefined;
}

async function answers({ url }: CloudEndpoint, signal?: AbortSignal): Promise<boolean> {
  const alive = await fetch(`${url}/cloud/alive`, signal && { signal }).catch(() => undefined);
  return alive?.ok === true;
}

/** Who has a cloud open: nobody (who had it last may have been killed), one who answers, or one who does not. */
export type Holder =
  | { readonly kind: 'nobody'; readonly killed: number | undefined }
  | { readonly kind: 'answers'; readonly pid: number }
  | { readonly kind: 'silent'; readonly pid: number | undefined };

/** Looks from outside: nothing is carried on. One who is silent is given `waitMs`, since it may be starting or ending. */
export async function holderOf(folder: string, waitMs: number): Promise<Holder> {
  const owned = ownerOf(folder);
  const end = AbortSignal.timeout(waitMs);
  for (;;) {
    const endpoint = readEndpoint(folder);
    if (endpoint && (await answers(endpoint, end))) return { kind: 'answers', pid: endpoint.pid };
    const lock = existsSync(owned) ? await takeLock(owned) : NEVER_OWNED;
    if (lock) {
      await lock.release();
      return { kind: 'nobody', killed: endpoint?.pid };
    }
    if (end.aborted) return { kind: 'silent', pid: endpoint && signal(endpoint.pid, 0) ? endpoint.pid : undefined };
    await sleep(WAIT_STEP_MS);
  }
}

const NEVER_OWNED = { release: () => Promise.resolve() };

function attached(folder: string, endpoint: CloudEndpoint): Cloud {
  const listening = new AbortController();
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const listeners = new Set<(detail: unknown) => void>();

  const ask = async (url: string, body?: unknown): Promise<{ failed: boolean; body: unknown }> => {
    try {
      const response = await send(url, { method: 'POST' }, JSON.stringify(body ?? {}));
      return { failed: 'x-amz-function-error' in response.headers, body: await json(response) };
    } catch (cause) {
      const message = `the redex process ${endpoint.pid} that kept ${folder} open has ended; run the command again`;
      throw new CloudUnreachable(message, { cause });
    }
  };

  const listen = async (): Promise<void> => {
    const response = await send(`${endpoint.url}/cloud/runs-ended`, { signal: listening.signal });
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) for (const listener of listeners) listener(JSON.parse(line));
    }
  };
  // The stream ends with the owner, or with our leaving.
  listen().then(setClosed, setClosed);

  return {
    owner: false,
    pid: endpoint.pid,
    environment: endpoint.environment,
    apiUrl: apiUrlOf(endpoint),
    invoke: async (name, payload) => {
      const { failed, body } = await ask(invocationUrl(endpoint, name), payload);
      if (failed) throw functionError(body);
      return body;
    },
    cached: async (evals) => {
      const { body } = await ask(`${endpoint.url}/cloud/cached`, { evals });
      return new Map(v.parse(CachedEntries, body).map((entry) => [entry.hash, entry]));
    },
    onRunEnded: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // It goes on in its owner.
    hold: () => undefined,
    isHeld: folderHeldRuns(endpoint.environment.REDEX_STORE ?? folder).has,
    release: async (run) => {
      await ask(`${endpoint.url}/cloud/release`, { run });
    },
    idle: async () => {
      for (;;) {
        const { body } = await ask(`${endpoint.url}/cloud/idle`);
        if (v.parse(Idle, body).idle) return;
      }
    },
    close: async () => {
      listening.abort();
      await closed;
    },
    stop: async () => {
      await ask(`${endpoint.url}/cloud/stop`);
      await closed;
    },
    closed,
  };
}

/** Unlike fetch, which gives a silent server up after 5 minutes: a round may take 15, and a run may take days to end. */
async function send(url: string, options: RequestOptions, body = ''): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request(url, options, resolve).once('error', reject).end(body);
  });
}

/** As their owner, of this same release, has them. */
const CachedEntries = v.array(v.custom<Evaluation>((entry) => typeof entry === 'object'));
const Idle = v.object({ idle: v.boolean() });
const FunctionFailure = v.object({ errorType: v.string(), errorMessage: v.string() });

function functionError(body: unknown): Error {
  const { errorType, errorMessage } = v.parse(FunctionFailure, body);
  const error = new Error(errorMessage);
  error.name = errorType;
  return error;
}
