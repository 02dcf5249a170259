import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { File } from '../../core/values/classes.ts';
import { close } from '../support/fault-proxy.ts';
import { openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

it('a job has its files through the proxy of its environment, and follows redirects to where its program allows', async () => {
  const origin = createServer(({ url }, response) => {
    const { port } = origin.address() as AddressInfo;
    if (url === '/far') response.writeHead(302, { location: `http://localhost:${port}/near` }).end();
    else response.writeHead(200, { etag: '"1"', 'content-length': 4 }).end('near');
  });
  const seen: string[] = [];
  const proxy = createServer(({ url = '', method }, response) => {
    seen.push(new URL(url).pathname);
    request(url, { method }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }).end();
  });
  for (const server of [origin, proxy]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const [far, by] = [origin, proxy].map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const script = { text: 'cat in', inputs: [new File(`${far}/far`).stage('in')], outputs: new File('-') };
  const allowed = await testbed.scriptSpec(script, { web: { privateRedirects: ['localhost'] } });

  const direct = await testbed.start(allowed);
  expect(await direct.ended).toMatchObject({ value: 'near' });
  expect(seen).toEqual([]);
  const proxied = await testbed.start({ ...allowed, attempt: 2 }, { environment: { http_proxy: by ?? '' } });
  expect(await proxied.ended).toMatchObject({ value: 'near' });
  expect(seen).toEqual(['/far', '/near']);
  const { web, ...unallowed } = allowed;
  const refused = await testbed.start({ ...unallowed, attempt: 3 });
  expect((await refused.ended).error).toMatchObject({ message: expect.stringMatching(/far leads to localhost/) });
  await Promise.all([origin, proxy].map(close));
});
