/**
 * One request to a web server, and where it leads.
 *
 * Not `fetch`: it unpacks what a server calls compressed, looks up names by itself, and waits for minutes.
 */
import { lookup } from 'node:dns';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { WebSettings } from '../values/program.ts';
import { isInside } from './addresses.ts';
import { refused } from './errors.ts';
import { IdleTimeout } from './idle-timeout.ts';
import { addressRefusal } from './reach.ts';

export interface WebRequest {
  readonly method: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** ms until the answer begins. */
  readonly idleMs: number;
}

/** Proxies by protocol, as HTTP_PROXY and its like have them. */
export interface Proxies {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** Hosts that are reached without one. */
  readonly none?: string | undefined;
}

export type WebOptions = WebSettings & {
  readonly proxies?: Proxies | undefined;
  /** https:// at public addresses alone, and redirects to nothing else, whatever the settings allow. */
  readonly publicOnly?: boolean;
};

const REDIRECTS_MAX = 10;
const REDIRECTS: readonly unknown[] = [301, 302, 303, 307, 308];

/** The answer at the end of all redirects; its body is as it was sent. Rejects where there is none, in whatever way. */
export async function ask(location: string, request: WebRequest, way: WebOptions = {}): Promise<IncomingMessage> {
  if (!URL.canParse(location)) throw refused(location, 'is not a URL');
  const named = new URL(location);
  const { publicOnly = false } = way;
  const isTrusted = trust(publicOnly ? [] : way.privateRedirects);
  let url = named;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const problem = publicOnly ? addressRefusal(url.href) : undefined;
    if (problem !== undefined)
      throw refused(location, redirects === 0 ? problem : `leads to ${url.href}, which ${problem}`);
    // Who names a place of their own network may go there; who only follows a server must not be led there.
    const isFree = !publicOnly && (url.hostname === named.hostname || isTrusted(url.hostname));
    const agent = agentFor(location, url, way.proxies);
    const response = await send(url, request, agent, isFree ? undefined : outsideOnly(location, isTrusted));
    const target = REDIRECTS.includes(response.statusCode) ? response.headers.location : undefined;
    if (target === undefined) return response;
    response.destroy();
    url = targetUrl(location, target, url);
    if (url.hostname !== named.hostname && isInside(bare(url.hostname)) && !isTrusted(url.hostname))
      throw leadsInside(location, url.hostname);
  }
  throw refused(location, `cannot be read: it leads on and on, more than ${REDIRECTS_MAX} times`);
}

function targetUrl(location: string, target: string, from: URL): URL {
  const url = URL.parse(target, from.href);
  if (!url) throw refused(location, `leads to ${JSON.stringify(target)}, which is not a URL`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refused(location, `leads to ${url.href}, which is not on the web`);
  }
  return url;
}

/**
 * With a proxy, names are its to look up, and whether one leads into a private network is for it to judge; addresses are
 * refused all the same. A new agent each time: a connection that was used before may just be ending, and one to a checked
 * address is not to be mistaken.
 */
function agentFor(location: string, url: URL, proxies: Proxies = {}): HttpAgent {
  const isHttps = url.protocol === 'https:';
  const proxy = isHttps ? proxies.https : proxies.http;
  // Node would pass by what it cannot use. Its text may hold a password.
  if (proxy !== undefined && !/^https?:$/.test(URL.parse(proxy)?.protocol ?? ''))
    throw refused(
      location,
      `cannot be reached: ${isHttps ? 'HTTPS_PROXY' : 'HTTP_PROXY'} is no http:// or https:// URL`,
    );
  const proxyEnv = { http_proxy: proxies.http, https_proxy: proxies.https, no_proxy: proxies.none };
  return isHttps ? new HttpsAgent({ proxyEnv }) : new HttpAgent({ proxyEnv });
}

function send(
  url: URL,
  { method, headers, idleMs }: WebRequest,
  agent: HttpAgent,
  look?: LookupFunction,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method,
      // Compression on the way is refused: the bytes and their tag are to be those of the file itself.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'redex', ...headers },
      agent,
      ...(look ? { lookup: look } : {}),
    });
    const timer = setTimeout(() => request.destroy(new IdleTimeout(idleMs)), idleMs);
    request.once('close', () => clearTimeout(timer));
    request.on('error', reject);
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.end();
  });
}

function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function leadsInside(location: string, place: string): Error {
  return refused(
    location,
    `leads to ${place}, an address of a private network, and is not followed there unless web.privateRedirects in redex.config.ts has it`,
  );
}

/** Whether redirects may lead to a host, or to an address, whatever it is. */
function trust(places: readonly string[] = []): (host: string) => boolean {
  const hosts = new Set<string>();
  const networks = new BlockList();
  for (const place of places) {
    const [address = '', bits] = place.split('/');
    const family = isIP(address);
    if (family === 0) hosts.add(place.toLowerCase());
    else networks.addSubnet(address, Number(bits ?? (family === 6 ? 128 : 32)), family === 6 ? 'ipv6' : 'ipv4');
  }
  return (host) => {
    const address = bare(host);
    const family = isIP(address);
    return family === 0 ? hosts.has(host) : networks.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** A look-up of names that refuses private addresses where the connection is made: no second look can differ. */
function outsideOnly(location: string, isTrusted: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const inside = addresses.find(({ address }) => isInside(address) && !isTrusted(address));
      if (inside) return callback(leadsInside(location, `${hostname} (${inside.address})`), []);
      const [first] = addresses;
      if (options.all || !first) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
