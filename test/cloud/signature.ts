/**
 * Whether a request has AWS's signature, version 4, of an account: as API Gateway looks at it where a route asks for IAM.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const SERVICE = 'execute-api';

export interface Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignedRequest {
  readonly method: string;
  /** As it came: path and query. */
  readonly url: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export function isSigned(request: SignedRequest, { accessKeyId, secretAccessKey }: Account): boolean {
  const { authorization = '', 'x-amz-date': date = '' } = request.headers;
  const { groups } =
    /^AWS4-HMAC-SHA256 Credential=(?<key>[^/]+)\/(?<scope>\S+?),\s*SignedHeaders=(?<names>[^,]+),\s*Signature=(?<given>[0-9a-f]{64})$/.exec(
      authorization,
    ) ?? {};
  const { key, scope = '', names = '', given = '' } = groups ?? {};
  const [day = '', region = '', service, end] = scope.split('/');
  if (key !== accessKeyId || service !== SERVICE || end !== 'aws4_request' || !date.startsWith(day)) return false;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical(request, names.split(';')))].join('\n');
  const signing = [day, region, SERVICE, 'aws4_request'].reduce<string | Uint8Array>(
    (secret, part) => hmac(secret, part),
    `AWS4${secretAccessKey}`,
  );
  return timingSafeEqual(hmac(signing, text), Buffer.from(given, 'hex'));
}

function canonical({ method, url, headers, body }: SignedRequest, names: readonly string[]): string {
  const [path = '', query = ''] = url.split('?', 2);
  const sorted = query
    .split('&')
    .filter(Boolean)
    .map(pair)
    .sort(byNameThenValue)
    .map((each) => each.join('='))
    .join('&');
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  return [method, escaped(path), sorted, lines.join(''), names.join(';'), sha256(body)].join('\n');
}

/** What is escaped in the path is escaped once more, as for every service but S3. */
function escaped(path: string): string {
  const unreserved = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return path
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/[!'()*]/g, unreserved))
    .join('/');
}

type Pair = readonly [name: string, value: string];

function pair(text: string): Pair {
  const [name = '', ...value] = text.split('=');
  return [name, value.join('=')];
}

/** By code points: all is escaped. */
function byNameThenValue(one: Pair, other: Pair): number {
  const [a, b] = one[0] === other[0] ? [one[1], other[1]] : [one[0], other[0]];
  return a < b ? -1 : Number(a > b);
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
