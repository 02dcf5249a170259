/** The executors of a deployment; and what runs have left, with what those say of their jobs: for handlers that look and take nothing forward. */

import { batchExecutor } from '../core/aws/batch/executor.ts';
import type { BatchSettings } from '../core/aws/batch/requests.ts';
import { batchClients, logsClient } from '../core/aws/clients.ts';
import { cloudWatchLogs } from '../core/aws/job-logs.ts';
import { folderJobLogs } from '../core/disk/job-logs.ts';
import type { Executor } from '../core/engine/executor.ts';
import type { JobLogs, World } from '../core/engine/ports.ts';
import { warmGraphs } from '../core/engine/warm.ts';
import { type EngineSettings, engineSettings } from '../core/environment.ts';
import type { ExecutorKind } from '../core/values/program.ts';
import { perEnvironment } from './per-environment.ts';
import { clock, type StoredState, storedState } from './stored.ts';

export type ExecutorState = StoredState &
  Pick<World, 'clock' | 'executors' | 'liveNodesMax' | 'warm'> & { readonly logs: JobLogs };

/** Graphs may be of many megabytes, and whoever watches a run asks of it again. */
const WARM_GRAPHS_MAX = 2;

export const executorState = /* @__PURE__ */ perEnvironment((environment): ExecutorState => {
  const settings = engineSettings(environment);
  const executors = executorsOf(settings);
  return {
    ...storedState(environment),
    executors,
    clock,
    liveNodesMax: settings.liveNodesMax,
    warm: warmGraphs(WARM_GRAPHS_MAX),
    logs: logsOf(settings, executors.batch),
  };
});

function logsOf({ local, jobLogs = '' }: EngineSettings, batch: Executor): JobLogs {
  return local ? folderJobLogs(jobLogs) : cloudWatchLogs(logsClient(), batch, jobLogs);
}

/** All that this deployment has. */
export function executorsOf(settings: EngineSettings): Readonly<Record<ExecutorKind, Executor>> {
  return { batch: batchExecutor(batchClients(settings), batchSettings(settings)) };
}

function batchSettings(settings: EngineSettings): BatchSettings {
  return {
    stack: settings.stack,
    store: settings.storeText,
    attemptsTable: settings.store.kind === 's3' ? settings.tables.attempts : undefined,
    filesRoot: settings.filesRoot,
    queue: settings.queue,
    image: settings.image,
    jobRole: settings.jobRole,
    executionRole: settings.executionRole,
    logGroup: settings.local ? undefined : settings.jobLogs,
    local: settings.local,
  };
}
