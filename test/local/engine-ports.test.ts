import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseVerdict, parseWakeUp } from '../../core/aws/batch/events.ts';
import { batchExecutor } from '../../core/aws/batch/executor.ts';
import { eventBus } from '../../core/aws/bus.ts';
import { awsClients } from '../../core/aws/clients.ts';
import type { SubmissionRequest } from '../../core/engine/ports.ts';
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

test('a job that the engine submits is found by its name, runs with its spec, and its end is told', async () => {
  const { executor, events } = await engineOnCloud(['/bin/sh', '-c', 'echo "$REDEX_SPEC"; exit 1']);
  const outcome = await executor.submit(request);
  expect(outcome).toEqual({ kind: 'accepted', id: expect.any(String) });
  const id = outcome.kind === 'accepted' ? outcome.id : '';
  expect(await executor.find(request.name, undefined)).toEqual([id]);
  expect(await executor.find('redex_local_r1_s2', undefined)).toEqual([]);
  const verdict = await until(() => events.map(parseVerdict).find((found) => found?.status === 'FAILED'));
  expect(verdict).toMatchObject({ id, name: request.name, exitCode: 1 });
  expect(await executor.describe([id, 'unknown'])).toEqual([verdict]);
  expect(readFileSync(verdict.log ?? '', 'utf8')).toBe('specs/abc\n');
});

test('an array that the engine submits ends with its children when it is terminated', async () => {
  const { executor, events } = await engineOnCloud(['/bin/sleep', '100']);
  const outcome = await executor.submit({ ...request, size: 2 });
  const id = outcome.kind === 'accepted' ? outcome.id : '';
  await until(() => events.map(parseVerdict).find((verdict) => verdict?.status === 'RUNNING'));
  await executor.terminate(id, 'the run was cancelled');
  const failed = await until(() => {
    const verdicts = events
      .map(parseVerdict)
      .filter((verdict) => verdict?.status === 'FAILED' && verdict.index !== undefined);
    return verdicts.length === 2 ? verdicts : undefined;
  });
  expect(failed.map((verdict) => [verdict?.id, verdict?.index, verdict?.statusReason]).sort()).toEqual([
    [`${id}:0`, 0, 'the run was cancelled'],
    [`${id}:1`, 1, 'the run was cancelled'],
  ]);
  await executor.terminate('unknown', 'the run was cancelled');
});

test('a wake-up that the engine asks for comes to advance', async () => {
  const { bus, events } = await engineOnCloud(['/bin/true']);
  await bus.wake('r1' as RunId, 'soon');
  const event = await until(() => events[0]);
  expect(parseWakeUp(event)).toEqual({ stack: 'local', run: 'r1' });
});
