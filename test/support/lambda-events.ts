/** Events as Lambda functions get them, as far as ours look. */
import { batchJobIds } from '../../core/aws/batch/job-ids.ts';
import type { DescribedJob } from '../../core/aws/batch/jobs.ts';
import type { JobReport } from '../../core/engine/executor.ts';

interface HttpRequest {
  /** Path of the route. */
  readonly route?: string;
  readonly body?: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** By names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of API Gateway's HTTP API, payload version 2.0. */
export function httpEvent(
  method: string,
  { route = '/runs', body, path, query, headers = {} }: HttpRequest = {},
): unknown {
  return {
    version: '2.0',
    routeKey: `${method} ${route}`,
    headers,
    requestContext: { http: { method, path: route } },
    ...(query && { queryStringParameters: query }),
    ...(body !== undefined && { body }),
    ...(path && { pathParameters: path }),
    isBase64Encoded: false,
  };
}

/** What Batch says of a job, as EventBridge brings it. */
export function stateChange(told: JobReport | DescribedJob): unknown {
  const { id, name, status, index, statusReason, exitCode } = 'state' in told ? describedAgain(told) : told;
  return {
    version: '0',
    source: 'aws.batch',
    'detail-type': 'Batch Job State Change',
    detail: {
      jobId: id,
      jobName: name,
      status,
      statusReason,
      container: { exitCode },
      ...(index !== undefined && { arrayProperties: { index, statusSummary: {} } }),
    },
  };
}

/** As Batch would have put it. */
function describedAgain({ job, name, state }: JobReport): DescribedJob {
  const common = { id: batchJobIds.of(job), name, ...(job.index !== undefined && { index: job.index }) };
  if (state.is !== 'over') return { ...common, status: state.is === 'running' ? 'RUNNING' : 'RUNNABLE' };
  const { ended, said: statusReason, exitCode } = state;
  const status = ended === 'well' ? 'SUCCEEDED' : 'FAILED';
  return { ...common, status, statusReason, ...(exitCode !== undefined && { exitCode }) };
}

export function wakeUp(stack: string, run: string): unknown {
  return { version: '0', source: 'redex', 'detail-type': 'redex wake-up', detail: { stack, run } };
}

/** An SQS batch: message ids are `m0`, `m1`, … */
export function queueBatch(
  messages: readonly { readonly event: unknown; readonly receives?: number; readonly sentAt?: number }[],
): unknown {
  return {
    Records: messages.map(({ event, receives = 1, sentAt }, at) => ({
      messageId: `m${at}`,
      body: typeof event === 'string' ? event : JSON.stringify(event),
      receiptHandle: `r${at}`,
      attributes: {
        ApproximateReceiveCount: String(receives),
        ...(sentAt !== undefined && { SentTimestamp: String(sentAt) }),
      },
      eventSource: 'aws:sqs',
    })),
  };
}
