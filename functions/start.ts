/** Starts a run: invoked directly with a StartRequest, or by `POST /runs` with one as JSON body. */
import * as v from 'valibot';
import { launch } from '../core/engine/launch.ts';
import type { World } from '../core/engine/ports.ts';
import type { Hash } from '../core/values/hash.ts';
import { rootOf, type Table } from '../core/values/table.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { isRecord } from './http.ts';
import { type Handler, roundOptions } from './invocation.ts';
import { countsRounds } from './rounds.ts';
import { BundleName, Run, RunName } from './shapes.ts';
import { currentBundle, world as openWorld } from './world.ts';

/** Valibot's own records take lists, too. */
const JsonObject = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isRecord, 'is no JSON object'),
  v.metadata({ type: 'object' }),
);

const Tags = v.pipe(
  JsonObject,
  v.metadata({ additionalProperties: { type: 'string' } }),
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

export const REQUEST = v.strictObject({
  workflow: v.pipe(
    v.string(),
    v.nonEmpty('is empty'),
    v.description('Full name of a task that declares its parameters'),
  ),
  args: v.optional(v.pipe(JsonObject, v.description('Its one record')), {}),
  /** The caller's own id for the run: asked for again, it is the same run. */
  run: v.optional(RunName),
  context: v.optional(v.pipe(JsonObject, v.description("Laid over the context of the program's configuration"))),
  tags: v.optional(Tags, {}),
  failure: v.optional(v.picklist(['drain', 'cancel']), 'drain'),
  cache: v.optional(v.pipe(v.boolean(), v.description('false: nothing is read from other runs')), true),
  bundle: v.optional(BundleName),
});

/** 409 when the run that is named was begun with another request. */
export const ANSWERS = { 201: v.strictObject({ run: Run }), 400: Errors, 409: Errors };

export type StartAnswer = BodyOf<typeof ANSWERS>;

export function makeStart(open: () => World, bundleNow: () => Promise<Hash | undefined>): Handler<StartAnswer> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(
    REQUEST,
    async ({ run, context, bundle: named, ...request }, invocation) => {
      const bundle = named ?? (await bundleNow());
      if (!bundle) return refusal(400, 'bundle: none was deployed, and the request names none');
      const world = open();
      const asked = { ...request, bundle, ...(run && { run }), ...(context && { context }) };
      const launched = await launch(world, asked, roundOptions(world, invocation));
      if (launched.ok) return { statusCode: 201, body: { run: launched.run } };
      if ('error' in launched) return refusal(400, messageOf(launched.error));
      const { conflict } = launched;
      return refusal(
        409,
        `run: ${conflict} was begun with another request; ask for what it asked, or name another run`,
      );
    },
    countsRounds(),
  );
}

/** What is wrong with the request, for whoever made it. */
export function messageOf(error: Table): string {
  const root = rootOf(error);
  if (!Array.isArray(root) || root[0] !== 'error') return 'the workflow cannot be started with these arguments';
  const [, name, , message] = root;
  return name === 'BadArguments' || name === 'TaskNotFound' ? message : `${name}: ${message}`;
}

export const handler = makeStart(openWorld, currentBundle);
