/** List prices, US dollars each, of us-east-1 in December 2025. Whoever decides by them looks them up again. */

export const PRICES_OF = '2025-12, us-east-1';

export const PRICES = {
  /** On demand, standard tables. */
  'DynamoDB write units': 0.625e-6,
  'DynamoDB read units': 0.125e-6,
  'S3 PUT and LIST': 5e-6,
  'S3 GET and HEAD': 0.4e-6,
  /** Standard queues, a request of at most 64 KB. */
  'SQS requests': 0.4e-6,
  /** Of one's own; those of AWS's services are free. */
  'events put on the bus': 1e-6,
  'Lambda calls': 0.2e-6,
  /** On arm64. */
  'Lambda GB-seconds': 13.3334e-6,
} as const;

/** A month of an alarm, and of a metric of one's own. */
export const MONTHLY = { alarm: 0.1, metric: 0.3 } as const;

/** What others ask for 1,000 tasks by their own lists, beside what the tasks themselves run on. */
export const OTHERS = [
  // A state for the task and one for each iteration of its map: two transitions, at $0.025 for 1,000.
  { name: 'Step Functions, standard, a map of tasks', dollars: 2 * 0.025 },
  // A step and a callback that waits for the job: two operations, at $8 for a million.
  { name: 'Lambda durable functions, a step and a callback', dollars: 2 * 1000 * 8e-6 },
] as const;
