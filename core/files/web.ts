/** Files on the web: read-only. The version is a strong ETag, or else the SHA-256 of the bytes. */

import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { messageOf } from '../values/thrown.ts';
import { FileError, inputChanged, inputMissing, refused } from './errors.ts';
import { BODY_IDLE_MS_MAX, withIdleTimeout } from './idle-timeout.ts';
import type { Chunks, FileStore, Written } from './store.ts';
import { type RetryPolicy, Tries } from './tries.ts';
import { ask, type WebOptions, type WebRequest } from './web-request.ts';

/** Silent servers are given up after a minute, those that answer at once with an error after some seconds. */
const RETRY_POLICY: RetryPolicy = { tries: 4, delayMs: 500, idleMs: BODY_IDLE_MS_MAX };

/** How a file is asked for: by which way, and how patiently. */
interface Asking {
  readonly way: WebOptions;
  readonly retry: RetryPolicy;
}

export function webStore(retry: RetryPolicy = RETRY_POLICY, way: WebOptions = {}): FileStore {
  const asking = { way, retry };
  return {
    stat: (location) => stat(location, asking),
    list: (location) => Promise.reject(refused(location, 'cannot be listed: the web has no directories')),
    read: (location, version) => read(location, version, asking),
    write: readOnly,
    directories: { check: readOnly, replace: readOnly },
  };
}

function readOnly(location: string): Promise<never> {
  return Promise.reject(refused(location, 'cannot be written: the web is read-only here'));
}

async function stat(location: string, asking: Asking): Promise<Written | undefined> {
  const tries = new Tries(location, asking.retry);
  const head = await answer(location, { method: 'HEAD' }, asking, tries, isAnswerToHead);
  head.destroy();
  const [etag, length] = [strongTag(head), head.headers['content-length']];
  if (isGone(head)) return undefined;
  if (isOk(head) && etag && length) return { version: etag, bytes: Number(length) };
  // Some servers know no HEAD, and some give no tag: then only the bytes tell.
  const download = new Download(location, undefined, asking);
  try {
    for await (const _ of download.chunks());
  } catch (thrown) {
    if (thrown instanceof FileError && thrown.name === 'InputMissing') return undefined;
    throw thrown;
  }
  return { version: download.version(), bytes: download.offset };
}

async function* read(location: string, version: string | undefined, asking: Asking): Chunks {
  const download = new Download(location, version, asking);
  yield* download.chunks();
  if (version !== undefined && download.version() !== version) throw inputChanged(location);
}

/** The bytes of one file, from as many answers as it takes. */
class Download {
  offset = 0;
  readonly #location: string;
  readonly #expected: string | undefined;
  readonly #asking: Asking;
  readonly #tries: Tries;
  readonly #hash: Hash = createHash('sha256');
  #etag: string | undefined;
  #length: number | undefined;

  constructor(location: string, expected: string | undefined, asking: Asking) {
    this.#location = location;
    this.#expected = expected;
    this.#asking = asking;
    this.#tries = new Tries(location, asking.retry);
  }

  /** To be asked at the end. */
  version(): string {
    return this.#etag ?? this.#hash.copy().digest('hex');
  }

  async *chunks(): Chunks {
    for (;;) {
      const response = await this.#open();
      const body = withIdleTimeout(response, this.#asking.retry.idleMs);
      try {
        for await (const chunk of this.#rest(response, body)) {
          this.#hash.update(chunk);
          this.offset += chunk.byteLength;
          this.#tries.succeeded();
          yield chunk;
        }
      } catch (thrown) {
        if (thrown instanceof FileError) throw thrown;
        await this.#tries.failed(`its download broke off after ${this.offset} bytes (${networkMessageOf(thrown)})`);
        continue;
      }
      if (this.#length === undefined || this.offset === this.#length) return;
      await this.#tries.failed(`its download ended after ${this.offset} of ${this.#length} bytes`);
    }
  }

  /** The next answer; from where the last one ended, if the server can do that and has the same file still. */
  async #open(): Promise<IncomingMessage> {
    const ranged = this.offset > 0 && this.#etag !== undefined;
    const headers = ranged ? { range: `bytes=${this.offset}-`, 'if-match': `"${this.#etag}"` } : {};
    const response = await answer(this.#location, { method: 'GET', headers }, this.#asking, this.#tries);
    if (ranged && (response.statusCode === 412 || response.statusCode === 416)) this.#changed(response);
    if (isGone(response)) {
      if (this.#expected !== undefined || this.offset > 0) this.#changed(response);
      response.destroy();
      throw inputMissing(this.#location);
    }
    checkStatus(this.#location, response);
    const etag = strongTag(response);
    const known = this.#etag ?? (this.offset > 0 ? undefined : etag);
    if (etag !== known || (etag && this.#expected !== undefined && etag !== this.#expected)) this.#changed(response);
    this.#etag = etag;
    if (response.statusCode !== 206) this.#length = lengthOf(response);
    return response;
  }

  /** What of an answer is still wanted. One that begins at the beginning must do so with the bytes that came before. */
  async *#rest(response: IncomingMessage, body: Chunks): Chunks {
    const from = response.statusCode === 206 ? rangeStart(response) : 0;
    if (from !== 0 && from !== this.offset) throw new Error(`a range from ${from} was sent instead`);
    const before = this.offset;
    if (from === before) return yield* body;
    const again = createHash('sha256');
    const known = this.#hash.copy().digest('hex');
    let passed = 0;
    for await (const chunk of body) {
      const skipped = Math.min(before - passed, chunk.byteLength);
      if (skipped > 0) again.update(chunk.subarray(0, skipped));
      passed += skipped;
      if (skipped > 0 && passed === before && again.digest('hex') !== known) this.#changed(response);
      if (skipped < chunk.byteLength) yield chunk.subarray(skipped);
    }
    if (passed < before) throw new Error('it was sent again from its beginning, and ended earlier');
  }

  #changed(response: IncomingMessage): never {
    response.destroy();
    throw inputChanged(this.#location);
  }
}

/** The first answer that is one; after trouble that may pass the server is asked again. */
async function answer(
  location: string,
  request: Omit<WebRequest, 'idleMs'>,
  { way, retry: { idleMs } }: Asking,
  tries: Tries,
  isAnswer: (response: IncomingMessage) => boolean = (response) => !isTrouble(response),
): Promise<IncomingMessage> {
  for (;;) {
    try {
      const response = await ask(location, { ...request, idleMs }, way);
      if (isAnswer(response)) return response;
      response.destroy();
      await tries.failed(`the server answered ${statusOf(response)}`, retryAfterMs(response));
    } catch (thrown) {
      if (thrown instanceof FileError) throw thrown;
      await tries.failed(networkMessageOf(thrown));
    }
  }
}

/** Servers that know no HEAD say so with all kinds of errors, which GET then tells apart. */
function isAnswerToHead(response: IncomingMessage): boolean {
  return ![408, 429, 502, 503, 504].includes(response.statusCode ?? 0);
}

/** 4xx is an answer for good, save those that ask for time; everything else may be another next time. */
function isTrouble({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 500 || [408, 425, 429].includes(statusCode);
}

function checkStatus(location: string, response: IncomingMessage): void {
  if (isOk(response)) return;
  response.destroy();
  throw refused(location, `cannot be read: the server answered ${statusOf(response)}`);
}

function statusOf({ statusCode, statusMessage }: IncomingMessage): string {
  return `${statusCode} ${statusMessage ?? ''}`.trim();
}

function isOk({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function isGone({ statusCode }: IncomingMessage): boolean {
  return statusCode === 404 || statusCode === 410;
}

/** Of the whole file, if the server tells. */
function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

function rangeStart({ headers }: IncomingMessage): number {
  return Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN);
}

function retryAfterMs({ headers }: IncomingMessage): number {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}

function strongTag({ headers }: IncomingMessage): string | undefined {
  const { etag } = headers;
  return etag && /^"[^"]+"$/.test(etag) ? etag.slice(1, -1) : undefined;
}

/** Of several addresses that were tried in vain, the first one's trouble. */
function networkMessageOf(thrown: unknown): string {
  return messageOf(thrown instanceof AggregateError ? thrown.errors[0] : thrown);
}
