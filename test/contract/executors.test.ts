/** Every executor there is, held to the one contract; Batch's over the wire of the local Batch. */
import { batchExecutor } from '../../core/aws/batch/executor.ts';
import { awsClients } from '../../core/aws/clients.ts';
import { testCloud } from '../local/fixture.ts';
import { memoryBatch } from '../support/memory/batch.ts';
import { processExecutor } from '../support/process-executor/executor.ts';
import { batchSettings } from '../support/submission.ts';
import { CONTRACT_RUNNER, executorContract, SPECS } from './executor.ts';

executorContract('the process executor', () => {
  const executor = processExecutor({ runner: CONTRACT_RUNNER, variables: {} });
  return { executor, close: executor.close };
});

executorContract('Batch in memory', () => {
  const executor = memoryBatch();
  const goOn = () => {
    for (const { described, request } of executor.jobs) {
      for (const [id, job] of described) {
        if (request.spec === SPECS.endless || ['SUCCEEDED', 'FAILED'].includes(job.status)) continue;
        if (request.spec === SPECS.failing) executor.report(id, { status: 'FAILED', exitCode: 3 });
        else executor.report(id, { status: 'SUCCEEDED' });
      }
    }
  };
  return { executor, goOn };
});

executorContract('Batch over the wire', async () => {
  const { cloud } = await testCloud({ runner: CONTRACT_RUNNER, capacity: { vcpus: 8 } });
  const clients = awsClients({ local: true, endpoint: cloud.environment.AWS_ENDPOINT_URL_BATCH ?? '' });
  const executor = batchExecutor(clients, { ...batchSettings, stack: 'local', local: true });
  return { executor, close: async () => Object.values(clients).forEach((client) => void client.destroy()) };
});
