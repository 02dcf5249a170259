/** Lambda functions, called in this process. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { ROUTES } from '../functions/routes.ts';

/** What the API's routes lead to, and what the queue and the schedule call. */
const NAMES = [...ROUTES.map((route) => route.function), 'advance', 'sweep'] as const;

export type FunctionName = (typeof NAMES)[number];
export type FunctionHandler = (event: unknown, context: Context) => unknown;
export type Functions = Readonly<Record<FunctionName, FunctionHandler>>;

/** The longest that Lambda lets a function run. */
export const INVOCATION_MS_MAX = 15 * 60 * 1000;

export function isFunctionName(name: string): name is FunctionName {
  return NAMES.some((known) => known === name);
}

export interface FunctionCaller {
  /** Throws what the function throws. */
  invoke(name: FunctionName, event: unknown): Promise<unknown>;
  /** Whether none is being called. */
  idle(): boolean;
  /** Resolves when the calls that are under way have ended. */
  settled(): Promise<unknown>;
}

/** Loads the functions when the first is called. They are told that they are cut off after `invocationMs`. */
export function functionCaller(load: () => Promise<Functions>, invocationMs: number): FunctionCaller {
  let loading: Promise<Functions> | undefined;
  const calls = new Set<Promise<unknown>>();
  const call = async (name: FunctionName, event: unknown): Promise<unknown> => {
    loading ??= load();
    const functions = await loading;
    return await functions[name](event, contextOf(name, Date.now() + invocationMs));
  };
  return {
    invoke: (name, event) => {
      const calling = call(name, event).finally(() => calls.delete(calling));
      calls.add(calling);
      return calling;
    },
    idle: () => calls.size === 0,
    settled: () => Promise.allSettled(calls),
  };
}

function contextOf(name: FunctionName, end: number): Context {
  const unused = (): void => undefined;
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    memoryLimitInMB: '1024',
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
    done: unused,
    fail: unused,
    succeed: unused,
  };
}
