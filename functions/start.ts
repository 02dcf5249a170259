/** Starts a run: invoked directly with a StartRequest, or by `POST /runs` with one as JSON body. */
import middy from '@middy/core';
import * as v from 'valibot';
import { launch } from '../core/engine/launch.ts';
import type { World } from '../core/engine/ports.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type Hash, parseHash } from '../core/values/hash.ts';
import { rootOf, type Table } from '../core/values/table.ts';
import { type Answer, httpOrDirect, isRecord } from './http.ts';
import { type Handler, handlerOf, type Invocation, roundOptions } from './invocation.ts';
import { problemsOf } from './page.ts';
import { countsRounds } from './rounds.ts';
import { currentBundle, world as openWorld } from './world.ts';

/** Valibot's own records take lists, too. */
const JsonObject = v.custom<Readonly<Record<string, unknown>>>(isRecord, 'is no JSON object');

const Tags = v.pipe(
  JsonObject,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = { ...dataset.value };
    for (const [key, value] of Object.entries(input)) {
      if (typeof value === 'string') continue;
      addIssue({ message: 'is no text', path: [{ type: 'object', origin: 'value', input, key, value }] });
    }
  }),
  v.transform((tags) => tags as Readonly<Record<string, string>>),
);

const StartRequest = v.strictObject({
  /** Full name of a task that declares its parameters. */
  workflow: v.pipe(v.string(), v.nonEmpty('is empty')),
  /** Its one record. */
  args: v.optional(JsonObject, {}),
  /** The caller's own id for the run: asked for again, it is the same run. */
  run: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,40}$/, 'may hold 1 to 40 letters and digits'))),
  /** Laid over the context of the program's configuration. */
  context: v.optional(JsonObject),
  tags: v.optional(Tags, {}),
  failure: v.optional(v.picklist(['drain', 'cancel']), 'drain'),
  /** false: nothing is read from other runs. */
  cache: v.optional(v.boolean(), true),
  bundle: v.optional(v.custom<Hash>((text) => parseHash(text) !== undefined, 'is no hash of a bundle')),
});

export type StartRequest = v.InferInput<typeof StartRequest>;
export type StartAnswer = { readonly run: RunId } | { readonly errors: readonly string[] };

/**
 * Answers 201 with `{run}`; 400 with `{errors}`, all that is wrong with the request; or 409 when the run that it names
 * was begun with another request.
 */
export function makeStart(open: () => World, bundleNow: () => Promise<Hash | undefined>): Handler<StartAnswer> {
  const wrapped = middy()
    .use(countsRounds())
    .use(httpOrDirect())
    .handler(async (event: unknown, invocation: Invocation): Promise<Answer & { readonly body: StartAnswer }> => {
      const parsed = v.safeParse(StartRequest, event, { abortPipeEarly: true });
      if (!parsed.success) return refusal(problemsOf(parsed.issues));
      const { run, context, bundle = await bundleNow(), ...request } = parsed.output;
      if (!bundle) return refusal(['bundle: none was deployed, and the request names none']);
      const world = open();
      const asked = { ...request, bundle, ...(run && { run: run as RunId }), ...(context && { context }) };
      const launched = await launch(world, asked, roundOptions(world, invocation));
      if (launched.ok) return { statusCode: 201, body: { run: launched.run } };
      if ('error' in launched) return refusal([messageOf(launched.error)]);
      const taken = `run: ${launched.conflict} was begun with another request; ask for what it asked, or name another run`;
      return { statusCode: 409, body: { errors: [taken] } };
    });
  return handlerOf(wrapped);
}

function refusal(errors: string[]) {
  return { statusCode: 400, body: { errors } };
}

/** What is wrong with the request, for whoever made it. */
export function messageOf(error: Table): string {
  const root = rootOf(error);
  if (!Array.isArray(root) || root[0] !== 'error') return 'the workflow cannot be started with these arguments';
  const [, name, , message] = root;
  return name === 'BadArguments' || name === 'TaskNotFound' ? message : `${name}: ${message}`;
}

export const handler = makeStart(openWorld, currentBundle);
