/** The HTTP API of a local cloud: the routes of the table, for who knows the secret. */
import { expect, test } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { testCloud } from './fixture.ts';
import { recordingFunctions } from './shell.ts';

async function answering() {
  const seen: unknown[] = [];
  const answer = (name: string) => (event: unknown) => {
    seen.push([name, event]);
    return Promise.resolve({ statusCode: 203, headers: {}, body: JSON.stringify({ of: name }) });
  };
  const functions = {
    ...recordingFunctions([]),
    ...Object.fromEntries(ROUTES.map((route) => [route.function, answer(route.function)])),
  };
  const { cloud } = await testCloud({ functions: () => Promise.resolve(functions) });
  return { cloud, seen };
}

test('every route calls its function with the parameters of its path, and answers with its status', async () => {
  const { cloud, seen } = await answering();
  for (const { method, path, function: name } of ROUTES) {
    const response = await fetch(`${cloud.apiUrl}${path.replace(/\{\w+\}/g, 'a%20b')}?x=1%2B1`, { method });
    expect([response.status, await response.json()]).toEqual([203, { of: name }]);
    const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => [parameter, 'a b']);
    expect(seen.pop()).toEqual([
      name,
      expect.objectContaining({
        version: '2.0',
        routeKey: `${method} ${path}`,
        pathParameters: Object.fromEntries(parameters),
        queryStringParameters: { x: '1+1' },
      }),
    ]);
  }
});

test('bodies and headers are given as they came', async () => {
  const { cloud, seen } = await answering();
  const body = '{"workflow": "w", "args": {"ä": 1}}';
  await fetch(`${cloud.apiUrl}/runs`, { method: 'POST', body, headers: { 'Idempotency-Key': 'k 1' } });
  expect(seen).toEqual([
    ['start', expect.objectContaining({ body, headers: expect.objectContaining({ 'idempotency-key': 'k 1' }) })],
  ]);
});

test('what is no route finds nothing, and who does not know the secret is not let in', async () => {
  const { cloud, seen } = await answering();
  const statusOf = async (url: string, method = 'GET') => (await fetch(url, { method })).status;
  for (const path of ['', '/', '/none', '/runs/', '/runs//jobs', '/runs/a/b', '/runs/../workflows/x/y']) {
    expect([path, await statusOf(`${cloud.apiUrl}${path}`)]).toEqual([path, 404]);
  }
  expect(await statusOf(`${cloud.apiUrl}/runs`, 'DELETE')).toBe(404);
  expect(await statusOf(`${cloud.apiUrl}/runs/%ff`)).toBe(400);
  expect(await statusOf(cloud.apiUrl.replace(/\/[^/]+\/api$/, '/guess/api/runs'))).toBe(403);
  expect(seen).toEqual([]);
});
