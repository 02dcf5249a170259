/** What comes over HTTP, whatever it is: the routes on a world in memory. */

import { describe, expect, it } from 'vitest';
import { task, v } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeCancel } from '../../functions/cancel.ts';
import type { Handler } from '../../functions/invocation.ts';
import { makeJobHistory } from '../../functions/jobhistory.ts';
import { makeJobs } from '../../functions/jobs.ts';
import { makeLogs } from '../../functions/logs.ts';
import { makePlan } from '../../functions/plan.ts';
import { makeResult } from '../../functions/result.ts';
import { makeRetry } from '../../functions/retry.ts';
import { ROUTES } from '../../functions/routes.ts';
import { makeRuns } from '../../functions/runs.ts';
import { makeStart } from '../../functions/start.ts';
import { makeStatus } from '../../functions/status.ts';
import { makeWait } from '../../functions/wait.ts';
import { makeWaiting } from '../../functions/waiting.ts';
import { makeWorkflow } from '../../functions/workflow.ts';
import { makeWorkflows } from '../../functions/workflows.ts';
import { httpEvent } from '../support/lambda-events.ts';
import { playWorld, start } from '../support/play.ts';

task('h.main', { version: '1', params: v.object({ text: v.optional(v.unknown()) }) }, () => 1);

const BODY_BYTES_MAX = 1024 * 1024;
const RUN = 'r1' as RunId;

async function routesOf() {
  const world = playWorld();
  await start(world, 1, { run: RUN });
  const open = () => world;
  const logs = { read: () => Promise.resolve(undefined) };
  const handlers: Readonly<Record<(typeof ROUTES)[number]['function'], Handler<unknown>>> = {
    start: makeStart(open, () => Promise.resolve(digest('test', 'bundle'))),
    runs: makeRuns(open),
    status: makeStatus(open),
    wait: makeWait(open, world.clock),
    result: makeResult(open),
    waiting: makeWaiting(() => ({ ...world, logs })),
    logs: makeLogs(() => ({ ...world, logs })),
    plan: makePlan(open, () => Promise.resolve(digest('test', 'bundle'))),
    jobs: makeJobs(open),
    jobhistory: makeJobHistory(open),
    cancel: makeCancel(open),
    retry: makeRetry(open),
    workflows: makeWorkflows(open),
    workflow: makeWorkflow(open),
  };
  const ask = async (name: keyof typeof handlers, request: Parameters<typeof httpEvent>[1]): Promise<number> => {
    const { method = 'GET', path = '' } = ROUTES.find((route) => route.function === name) ?? {};
    const answer = await handlers[name](httpEvent(method, { route: path, ...request }));
    return (answer as { readonly statusCode: number }).statusCode;
  };
  return { world, ask };
}

const STRANGE = ['', '.', '..', '../..', 'r1/../r1', '%2e%2e', 'r\u00001', 'läuft', '\ud83e\uddec', 'x'.repeat(10_240)];

describe('a request', () => {
  it.each(STRANGE.map((id) => [JSON.stringify(id).slice(0, 20), id]))('for the id %s finds nothing', async (_, id) => {
    const { ask } = await routesOf();
    for (const { path, function: name } of ROUTES) {
      for (const parameter of path.match(/(?<=\{)\w+(?=\})/g) ?? []) {
        const given = { ...(path.includes('{run}') && { run: RUN }), [parameter]: id };
        expect([name, await ask(name, { path: given })]).toEqual([
          name,
          expect.toSatisfy((n) => n === 400 || n === 404),
        ]);
      }
    }
  });

  it.each(STRANGE.map((text) => [JSON.stringify(text).slice(0, 20), text]))(
    'with the query %s finds nothing or is refused',
    async (_, text) => {
      const { ask } = await routesOf();
      for (const name of ['workflow', 'status', 'tag', 'from', 'until', 'limit', 'cursor', 'none']) {
        expect([200, 400]).toContain(await ask('runs', { query: { [name]: text } }));
        expect([200, 400]).toContain(await ask('jobs', { path: { run: RUN }, query: { [name]: text } }));
      }
      expect(await ask('runs', { query: { cursor: text } })).toBe(400);
    },
  );

  it('of more than 1 MiB is refused before it is read, in either form', async () => {
    const { ask, world } = await routesOf();
    const of = (bytes: number, fill = 'x') => {
      const frame = '{"workflow":"h.main","args":{"text":""}}';
      const text = fill.repeat((bytes - frame.length) / Buffer.byteLength(fill));
      return frame.replace('""', JSON.stringify(text));
    };
    expect(await ask('start', { body: of(BODY_BYTES_MAX) })).toBe(202);
    expect(await ask('start', { body: of(BODY_BYTES_MAX + 1) })).toBe(413);
    expect(await ask('start', { body: of(BODY_BYTES_MAX + 4, 'ä') })).toBe(413);
    expect(await ask('cancel', { path: { run: RUN }, body: '['.repeat(BODY_BYTES_MAX + 1) })).toBe(413);
    expect(await world.summaries.list({})).toHaveLength(2);
  });

  it.each([
    ['nested deeply', `{"workflow":"h.main","args":{"text":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`, [400]],
    ['of bytes that are no UTF-8', Buffer.from([123, 34, 0xff, 34, 58, 49, 125]).toString('latin1'), [400]],
    ['with half a character', '{"workflow":"h.main","args":{"text":"\\ud800"}}', [202, 400]],
    ['with a key of another kind', '{"workflow":"h.main","args":{"__proto__":{"x":1}}}', [400]],
  ])('with a body %s is answered', async (_, body, statuses) => {
    const { ask } = await routesOf();
    expect(statuses).toContain(await ask('start', { body }));
  });

  it('says each thing once, and in its place', async () => {
    const { ask, world } = await routesOf();
    expect(await ask('cancel', { path: { run: 'none' }, body: '{"run":"r1"}' })).toBe(400);
    expect(await ask('status', { path: { run: 'none' }, query: { run: RUN } })).toBe(400);
    expect(await ask('start', { body: '{"workflow":"h.main","idempotency-key":"x"}' })).toBe(400);
    // A query is nothing to POST.
    expect(await ask('start', { body: '{"workflow":"h.main"}', query: { run: 'byquery' } })).toBe(202);
    expect(await world.summaries.get('byquery' as RunId)).toBeUndefined();
  });
});
