/** Logs of jobs in CloudWatch Logs: one stream an attempt, in the group that the stack's job definitions name. */
import {
  type CloudWatchLogsClient,
  GetLogEventsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Executor } from '../engine/executor.ts';
import type { JobLogs, LoggedJob } from '../engine/ports.ts';

export function cloudWatchLogs(
  client: CloudWatchLogsClient,
  executor: Pick<Executor, 'ids' | 'look'>,
  group: string,
): JobLogs {
  /** While a job runs, its executor alone knows the name of its stream. */
  const streamOf = async ({ log, executorId }: LoggedJob): Promise<string | undefined> => {
    if (log !== undefined || executorId === undefined) return log;
    return (await executor.look([executor.ids.parse(executorId)]))[0]?.log;
  };
  return {
    async read(job, from) {
      const stream = await streamOf(job);
      if (stream === undefined) return undefined;
      const asked = { logGroupName: group, logStreamName: stream, startFromHead: true };
      try {
        const answer = await client.send(new GetLogEventsCommand({ ...asked, ...(from && { nextToken: from }) }));
        const { events = [], nextForwardToken = from ?? '' } = answer;
        const text = events.map(({ message = '' }) => `${message}\n`).join('');
        // The API gives the token that it was given when there is no more.
        return { text, next: nextForwardToken, isEnd: nextForwardToken === from };
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
  };
}
