/** The functions, as a local cloud loads them. */
import type { Variables } from '../../core/environment.ts';
import type { Handler } from '../../functions/invocation.ts';
import type { FunctionHandler, Functions } from '../../local/functions.ts';

interface FunctionModule {
  readonly handlerIn: (environment: Variables) => Handler<unknown>;
}

/** The functions in an environment. Each is loaded when it is called first. */
export function loadFunctions(environment: Variables): Promise<Functions> {
  const lazily = (load: () => Promise<FunctionModule>): FunctionHandler => {
    let loading: Promise<Handler<unknown>> | undefined;
    return async (event, context) => {
      loading ??= load().then(({ handlerIn }) => handlerIn(environment));
      return (await loading)(event, context);
    };
  };
  return Promise.resolve({
    start: lazily(() => import('../../functions/start.ts')),
    plan: lazily(() => import('../../functions/plan.ts')),
    advance: lazily(() => import('../../functions/advance.ts')),
    sweep: lazily(() => import('../../functions/sweep.ts')),
    cancel: lazily(() => import('../../functions/cancel.ts')),
    retry: lazily(() => import('../../functions/retry.ts')),
    runs: lazily(() => import('../../functions/runs.ts')),
    status: lazily(() => import('../../functions/status.ts')),
    wait: lazily(() => import('../../functions/wait.ts')),
    result: lazily(() => import('../../functions/result.ts')),
    waiting: lazily(() => import('../../functions/waiting.ts')),
    jobs: lazily(() => import('../../functions/jobs.ts')),
    jobhistory: lazily(() => import('../../functions/jobhistory.ts')),
    logs: lazily(() => import('../../functions/logs.ts')),
    workflows: lazily(() => import('../../functions/workflows.ts')),
    workflow: lazily(() => import('../../functions/workflow.ts')),
  });
}
