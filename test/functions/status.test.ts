import { describe, expect, it } from 'vitest';
import { makeStatus } from '../../functions/status.ts';
import { summary } from '../contract/summaries.ts';
import { httpEvent } from '../support/lambda-events.ts';
import { memoryWorld } from '../support/memory-world.ts';

describe('status', () => {
  it('gives the summary of a run', async () => {
    const world = memoryWorld();
    const known = summary();
    await world.summaries.put(known);
    expect(await makeStatus(() => world)({ run: known.run })).toEqual(known);
  });

  it('gives it over HTTP, too', async () => {
    const world = memoryWorld();
    const known = summary();
    await world.summaries.put(known);
    const answer = await makeStatus(() => world)(httpEvent('GET', { path: { run: known.run } }));
    expect(answer).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(known),
    });
  });

  it('says that a run is not there', async () => {
    const status = makeStatus(() => memoryWorld());
    expect(await status({ run: 'nothing' })).toEqual({ errors: ['there is no run nothing'] });
    expect(await status(httpEvent('GET', { path: { run: 'nothing' } }))).toMatchObject({ statusCode: 404 });
  });

  it.each([
    [undefined, /Expected/],
    [{}, /^run: /],
    [{ run: 5 }, /^run: /],
    [{ run: 'a/b' }, /^run: is no id of a run: 1 to 40 letters and digits$/],
  ])('refuses %j', async (request, problem) => {
    expect(await makeStatus(() => memoryWorld())(request)).toEqual({ errors: [expect.stringMatching(problem)] });
  });
});
