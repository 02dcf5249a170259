/** What runs have left, and what Batch says of their jobs: for handlers that look and take nothing forward. */

import type { BatchClients } from '../core/aws/batch/executor.ts';
import { batchExecutor } from '../core/aws/batch/executor.ts';
import { batchClients, logsClient } from '../core/aws/clients.ts';
import { cloudWatchLogs } from '../core/aws/job-logs.ts';
import { folderJobLogs } from '../core/disk/job-logs.ts';
import type { BatchExecutor, JobLogs, World } from '../core/engine/ports.ts';
import { warmGraphs } from '../core/engine/warm.ts';
import { type EngineSettings, engineSettings } from '../core/environment.ts';
import { perEnvironment } from './per-environment.ts';
import { clock, type StoredState, storedState } from './stored.ts';

export type ExecutorState = StoredState &
  Pick<World, 'batch' | 'clock' | 'liveNodesMax' | 'warm'> & { readonly logs: JobLogs };

/** Graphs may be of many megabytes, and whoever watches a run asks of it again. */
const WARM_GRAPHS_MAX = 2;

export const executorState = /* @__PURE__ */ perEnvironment((environment): ExecutorState => {
  const settings = engineSettings(environment);
  const batch = executorOf(settings, batchClients(settings));
  return {
    ...storedState(environment),
    batch,
    clock,
    liveNodesMax: settings.liveNodesMax,
    warm: warmGraphs(WARM_GRAPHS_MAX),
    logs: logsOf(settings, batch),
  };
});

function logsOf({ local, jobLogs = '' }: EngineSettings, batch: BatchExecutor): JobLogs {
  return local ? folderJobLogs(jobLogs) : cloudWatchLogs(logsClient(), batch, jobLogs);
}

export function executorOf(settings: EngineSettings, clients: BatchClients): BatchExecutor {
  return batchExecutor(clients, {
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
  });
}
