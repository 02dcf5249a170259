/** Files on the web: read-only. The version is a strong ETag, or else the SHA-256 of the bytes. */
import { createHash } from 'node:crypto';
import { inputChanged, inputMissing, refused } from './errors.ts';
import type { Chunks, Store } from './store.ts';

export function webStore(): Store {
  return {
    async stat(location) {
      const head = await request(location, 'HEAD');
      const etag = head?.ok ? strongTag(head) : undefined;
      const length = head?.headers.get('content-length');
      if (etag && length) return { version: etag, bytes: Number(length) };
      if (head?.status === 404 || head?.status === 410) return undefined;
      // Some servers know no HEAD, and some give no tag: then only the bytes tell.
      const response = await request(location, 'GET');
      if (response.status === 404 || response.status === 410) return undefined;
      checkStatus(location, response);
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of bodyOf(response)) {
        hash.update(chunk);
        bytes += chunk.byteLength;
      }
      return { version: strongTag(response) ?? hash.digest('hex'), bytes };
    },
    list: (location) => Promise.reject(refused(location, 'cannot be listed: the web has no directories')),
    read,
    write: (location) => Promise.reject(refused(location, 'cannot be written: the web is read-only here')),
  };
}

async function* read(location: string, version?: string): Chunks {
  const response = await request(location, 'GET');
  if (response.status === 404 || response.status === 410) {
    throw version === undefined ? inputMissing(location) : inputChanged(location);
  }
  checkStatus(location, response);
  const etag = strongTag(response);
  if (version !== undefined && etag !== undefined && etag !== version) throw inputChanged(location);
  const hash = version === undefined || etag !== undefined ? undefined : createHash('sha256');
  for await (const chunk of bodyOf(response)) {
    hash?.update(chunk);
    yield chunk;
  }
  if (hash && hash.digest('hex') !== version) throw inputChanged(location);
}

/** Compression on the way is refused: the bytes and their tag are to be those of the file itself. */
async function request(location: string, method: 'GET' | 'HEAD'): Promise<Response> {
  if (!URL.canParse(location)) throw refused(location, 'is not a URL');
  try {
    return await fetch(location, { method, headers: { 'accept-encoding': 'identity' } });
  } catch (thrown) {
    const cause = (thrown as Error).cause;
    throw new Error(`${location} cannot be reached: ${cause instanceof Error ? cause.message : String(thrown)}`, {
      cause: thrown,
    });
  }
}

/** 4xx is an answer for good; everything else may be another next time. */
function checkStatus(location: string, response: Response): void {
  if (response.ok) return;
  const status = `${response.status} ${response.statusText}`.trim();
  if (response.status >= 400 && response.status < 500)
    throw refused(location, `cannot be read: the server answered ${status}`);
  throw new Error(`${location} cannot be read now: the server answered ${status}`);
}

function strongTag(response: Response): string | undefined {
  const tag = response.headers.get('etag');
  return tag && /^"[^"]+"$/.test(tag) ? tag.slice(1, -1) : undefined;
}

async function* bodyOf(response: Response): Chunks {
  for await (const chunk of response.body ?? []) yield chunk;
}
