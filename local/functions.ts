/** Lambda functions, called in this process. */

export type FunctionName = 'start' | 'advance' | 'status';

/** What handlers look at in Lambda's context. */
export interface InvocationContext {
  readonly functionName: string;
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

export type FunctionHandler = (event: unknown, context: InvocationContext) => Promise<unknown>;
export type Functions = Readonly<Record<FunctionName, FunctionHandler>>;

/** A function's time; as in the cloud, where a round that takes longer goes on in the next. */
const INVOCATION_MS_MAX = 60_000;

export function isFunctionName(name: string): name is FunctionName {
  return name === 'start' || name === 'advance' || name === 'status';
}

/** Calls the function; `id` names the request. */
export function invokeFunction(functions: Functions, name: FunctionName, event: unknown, id: string): Promise<unknown> {
  const end = Date.now() + INVOCATION_MS_MAX;
  return functions[name](event, {
    functionName: name,
    awsRequestId: id,
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
  });
}
