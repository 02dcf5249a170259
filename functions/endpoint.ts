/**
 * A handler that people call: what it reads and what it answers are schemas, which its file exports as REQUEST and ANSWERS.
 * The API's description (`stack/openapi.ts`) and the types of whoever calls follow from them.
 */
import * as v from 'valibot';
import { type Declared, httpOrDirect } from './http.ts';
import { type Handler, handlerOf, type Invocation, type Middleware } from './invocation.ts';

/** The body of each status. All are plain JSON. */
export type Answers = Readonly<Record<number, v.GenericSchema>>;

/** A status that is answered with, and a body of its schema. */
export type AnswerOf<A extends Answers> = {
  readonly [S in keyof A & number]: { readonly statusCode: S; readonly body: v.InferOutput<A[S]> };
}[keyof A & number];

/** All that who calls directly is told. */
export type BodyOf<A extends Answers> = AnswerOf<A>['body'];

/** What is wrong, one line each. */
export const Errors = v.strictObject({ errors: v.array(v.string()) });

export function refusal<S extends 400 | 404 | 409 | 410 | 413>(statusCode: S, problem: string) {
  return { statusCode, body: { errors: [problem] } };
}

/**
 * Gives what was asked for to `use`; answers 400 with all that is wrong with the request. `around`: what else is to be done
 * at each call.
 */
export function endpoint<R extends Declared, A extends Answers & { readonly 400: typeof Errors }>(
  request: R,
  use: (asked: v.InferOutput<R>, invocation: Invocation) => Promise<AnswerOf<A>> | AnswerOf<A>,
  ...around: Middleware[]
): Handler<BodyOf<A>> {
  const answered = (event: unknown, invocation: Invocation) => {
    const parsed = v.safeParse(request, event, { abortPipeEarly: true });
    return parsed.success
      ? use(parsed.output, invocation)
      : { statusCode: 400, body: { errors: parsed.issues.map(problemOf) } };
  };
  return handlerOf(answered, ...around, httpOrDirect(request));
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  return [v.getDotPath(issue) ?? [], issue.message].flat().join(': ');
}
