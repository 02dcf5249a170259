/**
 * How long a runner goes on trying: hours of work are not lost to minutes of trouble between it and a service.
 *
 * The SDK's own strategy ends after a number of attempts, and earlier when many requests fail at once, since they share
 * one allowance. Here each request has its time.
 */

/** The least is 10 minutes; the delays come on top. */
const PATIENCE_MS = 12 * 60_000;
const DELAY_MS_FIRST = 100;
/** Thousands of jobs may wait for the same service. */
const DELAY_MS_MAX = 20_000;

export interface Patience {
  /** ms from the first try, after which none is begun. */
  readonly forMs?: number;
  readonly delayMsMax?: number;
}

class RetryToken {
  readonly count: number;
  readonly until: number;
  readonly #delayMs: number;

  constructor(count: number, until: number, delayMs: number) {
    this.count = count;
    this.until = until;
    this.#delayMs = delayMs;
  }

  getRetryCount(): number {
    return this.count;
  }

  getRetryDelay(): number {
    return this.#delayMs;
  }
}

/** A `retryStrategy` for SDK clients: what may pass is tried again with full jitter until the time is over. */
export function patientRetries({ forMs = PATIENCE_MS, delayMsMax = DELAY_MS_MAX }: Patience = {}) {
  return {
    acquireInitialRetryToken: () => Promise.resolve(new RetryToken(0, Date.now() + forMs, 0)),
    refreshRetryTokenForRetry(token: unknown, failure: { readonly errorType: string }): Promise<RetryToken> {
      if (!(token instanceof RetryToken)) throw new TypeError('a token of another retry strategy');
      const { count, until } = token;
      const delayMs = Math.random() * Math.min(delayMsMax, DELAY_MS_FIRST * 2 ** count);
      if (failure.errorType === 'CLIENT_ERROR' || Date.now() + delayMs > until) {
        return Promise.reject(new Error('no more retries'));
      }
      return Promise.resolve(new RetryToken(count + 1, until, delayMs));
    },
    recordSuccess: () => undefined,
  };
}
