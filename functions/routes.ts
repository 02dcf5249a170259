/**
 * The HTTP API, route by route: what the template routes follow from, and the roles. Loads no handler and no client. Every
 * route asks for a signature (IAM). A path parameter is given to the handler under its name, as a query parameter of GET is,
 * and fields of the body and headers of POST are.
 */
export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** File of `functions/` whose handler answers. */
  readonly function: string;
  readonly summary: string;
  /** That the handler is given; in lower case. */
  readonly headers?: readonly string[];
}

export const ROUTES = [
  { method: 'POST', path: '/runs', function: 'start', summary: 'Starts a run', headers: ['idempotency-key'] },
  { method: 'GET', path: '/runs', function: 'runs', summary: 'Lists runs, newest first' },
  { method: 'GET', path: '/runs/{run}', function: 'status', summary: 'Tells how a run is' },
  { method: 'GET', path: '/runs/{run}/wait', function: 'wait', summary: 'Tells how a run is when there is news of it' },
  { method: 'GET', path: '/runs/{run}/result', function: 'result', summary: 'Tells what a run came to, whole' },
  { method: 'GET', path: '/runs/{run}/waiting', function: 'waiting', summary: 'Tells what the jobs of a run wait for' },
  { method: 'GET', path: '/runs/{run}/jobs', function: 'jobs', summary: 'Lists the jobs of a run' },
  { method: 'GET', path: '/runs/{run}/jobs/{job}', function: 'jobhistory', summary: 'Tells what happened to a job' },
  { method: 'GET', path: '/runs/{run}/jobs/{job}/logs', function: 'logs', summary: 'Gives what a job wrote, by parts' },
  { method: 'POST', path: '/runs/{run}/cancel', function: 'cancel', summary: 'Ends a run' },
  {
    method: 'POST',
    path: '/runs/{run}/retry',
    function: 'retry',
    summary: 'Takes up a run that failed or was cancelled',
  },
  { method: 'POST', path: '/plans', function: 'plan', summary: 'Tells what a run would do, and why' },
  { method: 'GET', path: '/workflows', function: 'workflows', summary: 'Lists what can be started' },
  { method: 'GET', path: '/workflows/{workflow}', function: 'workflow', summary: 'Tells what a workflow takes' },
] as const satisfies readonly Route[];

/** `key`: as API Gateway says it, `POST /runs`. */
export function routeOf(key: string): Route | undefined {
  return ROUTES.find(({ method, path }) => `${method} ${path}` === key);
}
