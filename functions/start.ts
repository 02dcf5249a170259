/**
 * Begins a run: `{workflow, args?, run?, …}`, or `POST /runs` with that as its body. Asked for again under the same id, or
 * with the same header Idempotency-Key, it is the same run.
 */

import * as v from 'valibot';
import { BundleGone } from '../core/engine/deployed.ts';
import { launch } from '../core/engine/launch.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { isRecord } from '../core/values/guards.ts';
import { digest } from '../core/values/hash.ts';
import { type Hash, type RunId, runNamed } from '../core/values/ids.ts';
import { errorIn } from '../core/values/nodes.ts';
import { rootOf, type Table } from '../core/values/table.ts';
import { type AnswerOf, type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { BundleName, Run, RunName } from './shapes.ts';
import { type BeginningWorld, beginningWorld, currentBundle } from './world.ts';

/** What people write has a dozen levels; JSON of 100,000 takes seconds, and the stack of whoever reads it. */
const LEVELS_MAX = 100;

/** Valibot's own records take lists, too. */
export const JsonObject = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isRecord, 'is no JSON object'),
  v.check((given) => !isDeeper(given, LEVELS_MAX), `has more than ${LEVELS_MAX} levels`),
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
  v.transform(
    (tags): Readonly<Record<string, string>> =>
      Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, String(value)])),
  ),
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
  'idempotency-key': v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\x20-\x7e]{1,255}$/, 'may hold 1 to 255 printable characters of ASCII'),
      v.description('The same key with the same request is the same run; in place of `run`'),
    ),
  ),
});

/** 409 when the run that is named was begun with another request. */
export const ANSWERS = { 202: v.strictObject({ run: Run }), 400: Errors, 409: Errors };

export type StartAnswer = BodyOf<typeof ANSWERS>;

export function makeStart(
  open: () => BeginningWorld,
  bundleNow: () => Promise<Hash | undefined>,
): Handler<StartAnswer> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async (given) => {
    const { run: id, 'idempotency-key': key, context, bundle: named, ...request } = given;
    if (id !== undefined && key !== undefined) return refusal(400, 'run: an Idempotency-Key stands in its place');
    const run = key === undefined ? id : runIdOf(key);
    return await withBundle(named, bundleNow, async (bundle): Promise<AnswerOf<typeof ANSWERS>> => {
      const asked = { ...request, bundle, ...(run && { run }), ...(context && { context }) };
      const launched = await launch(open(), asked);
      if (launched.ok) return { statusCode: 202, body: { run: launched.run } };
      if ('error' in launched) return refusal(400, messageOf(launched.error));
      const { conflict } = launched;
      return refusal(
        409,
        `run: ${conflict} was begun with another request; ask for what it asked, or name another run`,
      );
    });
  });
}

/** Gives `use` the bundle that was named, else the one that was deployed; 400 where there is none. */
export async function withBundle<T>(
  named: Hash | undefined,
  bundleNow: () => Promise<Hash | undefined>,
  use: (bundle: Hash) => Promise<T>,
) {
  const bundle = named ?? (await bundleNow());
  if (!bundle) return refusal(400, 'bundle: none was deployed, and the request names none');
  try {
    return await use(bundle);
  } catch (error) {
    // One that was deployed and is gone is nobody's mistake who asks.
    if (error instanceof BundleGone && named !== undefined) return refusal(400, `bundle: ${error.message}`);
    throw error;
  }
}

function isDeeper(given: unknown, levels: number): boolean {
  let level: readonly unknown[] = [given];
  for (let depth = 0; depth <= levels && level.length > 0; depth++) {
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return level.length > 0;
}

function runIdOf(key: string): RunId {
  return runNamed(digest('idempotency key', key));
}

/** What is wrong with the request, for whoever made it. */
export function messageOf(error: Table): string {
  const why = errorIn(rootOf(error));
  if (!why) return 'the workflow cannot be started with these arguments';
  const { name, message } = why;
  return name === 'BadArguments' || name === 'TaskNotFound' ? message : `${name}: ${message}`;
}

export const handlerIn = inEnvironment((environment) =>
  makeStart(
    () => beginningWorld(environment),
    () => currentBundle(environment),
  ),
);

export const handler = handlerIn(ENVIRONMENT);
