import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseBatchEvent } from '../../core/aws/batch/events.ts';
import { batchExecutor } from '../../core/aws/batch/executor.ts';
import { eventBus, parseWakeUp } from '../../core/aws/bus.ts';
import { awsClients } from '../../core/aws/clients.ts';
import { endOf, type JobReport, type SubmissionRequest } from '../../core/engine/executor.ts';
import { engineSettings } from '../../core/environment.ts';
import type { RunId, SubmissionId } from '../../core/values/ids.ts';
import { afterTest, testCloud, until } from './fixture.ts';

/** The engine's own adapters, set up as in the handlers: from the cloud's environment alone. */
async function engineOnCloud(runner: readonly string[]) {
  const started = await testCloud({ runner, wakeUpDelayMs: 0, capacity: { vcpus: 4 } });
  const settings = engineSettings(started.cloud.environment);
  const clients = awsClients(settings);
  afterTest(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  const batch = batchExecutor(clients, {
    stack: settings.stack,
    store: settings.storeText,
    attemptsTable: undefined,
    filesRoot: settings.filesRoot,
    queue: settings.queue,
    local: settings.local,
  });
  return {
    ...started,
    executor: batch,
    bus: eventBus(clients, { bus: settings.bus, queue: settings.events }, settings.stack),
  };
}

const request: SubmissionRequest = {
  name: 'redex_local_r1_s1',
  run: 'r1' as RunId,
  submission: 's1' as SubmissionId,
  spec: 'specs/abc',
  size: 1,
  resources: { vcpus: 0.5, memory: 0.25, timeoutSeconds: 100, tags: { project: 'x' } },
};

function reportsIn(events: readonly unknown[]): JobReport[] {
  return events.map(parseBatchEvent).flatMap((news) => (news?.kind === 'report' ? [news.report] : []));
}

test('a job that the engine submits runs with its spec, and its end is told as it is when the executor is asked', async () => {
  const { executor, events } = await engineOnCloud(['/bin/sh', '-c', 'echo "$REDEX_SPEC"; exit 1']);
  const outcome = await executor.submit(request);
  const submission = outcome.kind === 'accepted' ? outcome.id : '';
  const report = await until(() => reportsIn(events).find(endOf));
  expect(report).toMatchObject({ job: { submission }, name: request.name, state: { ended: 'program', exitCode: 1 } });
  expect(await executor.look([{ submission }])).toEqual([report]);
  expect(readFileSync(report.log ?? '', 'utf8')).toBe('specs/abc\n');
});

test('of an array that the engine stops each job is told of', async () => {
  const { executor, events } = await engineOnCloud(['/bin/sleep', '100']);
  const outcome = await executor.submit({ ...request, size: 2 });
  const id = outcome.kind === 'accepted' ? outcome.id : '';
  await until(() => reportsIn(events).find(({ state }) => state.is === 'running'));
  await executor.stop(id, 'cancelling');
  const ends = await until(() => {
    const ended = reportsIn(events).filter((report) => endOf(report) && report.job.index !== undefined);
    return ended.length === 2 ? ended : undefined;
  });
  expect(ends.map(({ job, state }) => [job, state]).sort()).toEqual([
    [{ submission: id, index: 0 }, expect.objectContaining({ ended: 'interrupted', said: 'the run was cancelled' })],
    [{ submission: id, index: 1 }, expect.objectContaining({ ended: 'interrupted', said: 'the run was cancelled' })],
  ]);
});

test('a wake-up that the engine asks for comes to advance', async () => {
  const { bus, events } = await engineOnCloud(['/bin/true']);
  await bus.wake('r1' as RunId, 'soon');
  const event = await until(() => events[0]);
  expect(parseWakeUp(event)).toEqual({ stack: 'local', run: 'r1' });
});
