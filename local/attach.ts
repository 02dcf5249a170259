/** A process beside the one that owns the cloud. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { folderHeldRuns } from '../core/disk/held.ts';
import { type Cloud, type CloudOptions, openCloud } from './cloud.ts';
import { type Endpoint, invocationUrl } from './settings.ts';

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
  const endpoint = readEndpoint(join(folder, 'endpoint.json'));
  if (!endpoint) return undefined;
  const alive = await fetch(`${endpoint.url}/cloud/alive`).catch(() => undefined);
  if (!alive?.ok) return undefined;
  return attached(folder, endpoint);
}

function readEndpoint(path: string): Endpoint | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Endpoint;
  } catch {
    return undefined;
  }
}

function attached(folder: string, endpoint: Endpoint): Cloud {
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
    invoke: async (name, payload) => {
      const { failed, body } = await ask(invocationUrl(endpoint, name), payload);
      if (failed) throw functionError(body);
      return body;
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
        if ((body as { idle: boolean }).idle) return;
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
  const asked = request(url, options).end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

function functionError(body: unknown): Error {
  const { errorType, errorMessage } = body as { errorType: string; errorMessage: string };
  const error = new Error(errorMessage);
  error.name = errorType;
  return error;
}
