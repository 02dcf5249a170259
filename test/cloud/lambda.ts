/** A function as Lambda has it: its packaged program in a process of its own, with the variables of the template. */
import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from '../stack/template.ts';

/** Nothing takes longer here, and until a call's time is over nobody asks after the jobs that it sent. */
const CALL_SECONDS_MAX = 29;

export interface Lambda {
  /** `took` is told how long it was at work, in ms. */
  call(event: unknown, took: (ms: number) => void): Promise<unknown>;
  stop(): void;
}

export interface LambdaOptions {
  readonly template: Template;
  readonly name: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Of a variable of the template, what it comes to. */
  readonly resolve: (value: unknown) => unknown;
  readonly log: string;
  readonly seconds: number | undefined;
}

export function openLambda({ template, name, folder, environment, resolve, log, seconds }: LambdaOptions): Lambda {
  const resource = `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`;
  const { Environment, Timeout, Handler } = template.Resources[resource]?.Properties ?? {};
  const variables = resolve(Environment.Variables) as Record<string, string>;
  const file = join(folder, `${Handler.replace(/\.handler$/, '')}.js`);
  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  let child: ChildProcess | undefined;
  let ids = 0;
  let last: Promise<unknown> = Promise.resolve();

  const started = (): ChildProcess => {
    const made = fork(join(import.meta.dirname, 'lambda.mjs'), [file, `redex-dev-${name}`], {
      cwd: folder,
      env: { PATH: process.env.PATH, AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand', ...variables, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    for (const stream of [made.stdout, made.stderr]) stream?.on('data', (text) => appendFileSync(log, text));
    made.on('message', ({ id, ok, answer, error }: Record<string, unknown>) => {
      const call = calls.get(id as number);
      calls.delete(id as number);
      if (ok) call?.resolve(answer);
      else call?.reject(new Error(String(error)));
    });
    return made;
  };

  const call = (event: unknown, took: (ms: number) => void): Promise<unknown> => {
    child ??= started();
    const answer = Promise.withResolvers<unknown>();
    const begin = performance.now();
    const id = ids++;
    calls.set(id, answer);
    child.send({ id, event, timeoutMs: (seconds ?? Math.min(Timeout, CALL_SECONDS_MAX)) * 1000 });
    return answer.promise.finally(() => took(performance.now() - begin));
  };
  return {
    // An environment takes one event at a time.
    call: (event, took) => (last = last.catch(() => undefined).then(() => call(event, took))),
    stop: () => child?.kill('SIGKILL'),
  };
}
