/**
 * Five figures of what functions do, in CloudWatch's embedded metric format: one line of the log an invocation, of which
 * CloudWatch makes metrics by itself. Each adds up over the functions of a stack.
 */

import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { LogSettings } from '../core/environment.ts';
import { keysOf } from '../core/values/json.ts';
import { writeLine } from './log.ts';

export const NAMESPACE = 'redex';

/** By name. A unit that is none of CloudWatch's is refused by it in silence. */
export const UNITS = {
  /** Rounds that came to their end. */
  rounds: MetricUnit.Count,
  /** Entries of the journal that another round had appended first. */
  conflicts: MetricUnit.Count,
  /** SubmitJob requests that Batch accepted: an array is one, as it is for Batch's own limit. */
  submissions: MetricUnit.Count,
  /** SubmitJob requests that Batch answered with 429, or that failed before they were sent: they are tried again. */
  throttles: MetricUnit.Count,
  /** Age of the oldest event that a call of `advance` got, since it was sent to the queue. */
  oldestEvent: MetricUnit.Milliseconds,
} as const;

export type MetricValues = Partial<Record<keyof typeof UNITS, number>>;

/** Nothing in a local cloud, which has no CloudWatch; nor with POWERTOOLS_METRICS_DISABLED. */
export function publish(figures: MetricValues, { service, file }: LogSettings): void {
  if (file !== undefined) return;
  const metrics = new LineMetrics({ namespace: NAMESPACE, serviceName: service });
  // In place of Powertools' own dimension, the service: what is charged for is each set of them.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ stack: service });
  for (const name of keysOf(UNITS)) {
    const value = figures[name];
    if (value !== undefined) metrics.addMetric(name, UNITS[name], value);
  }
  metrics.publishStoredMetrics();
}

/** Where the log is, and not on standard output: that is the answer of `serverless invoke local`. */
class LineMetrics extends Metrics {
  override publishStoredMetrics(): this {
    if (!this.isDisabled() && this.hasStoredMetrics()) writeLine(JSON.stringify(this.serializeMetrics()));
    this.clearMetrics();
    return this;
  }
}
