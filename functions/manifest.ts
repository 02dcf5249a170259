/**
 * Starts a workflow for each manifest that is put under `manifests/<workflow>/` of the stack's bucket: JSON is its
 * arguments; a table is itself what is given to the workflow's one parameter that is a file. Comes as a notification of
 * S3 or as an event of EventBridge.
 *
 * 1. An upload starts one run however often S3 says so: the run's id follows from bucket, key and version.
 * 2. Every upload is answered under `manifest-answers/`, with the id of its run or with what is wrong with it.
 * 3. Only what may pass by itself fails the invocation, which is tried again then.
 */

import * as v from 'valibot';
import { answerKey, parseUploads, type Upload, type Uploads, workflowOf } from '../core/aws/uploads.ts';
import { launch } from '../core/engine/launch.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { isRecord } from '../core/values/guards.ts';
import { digest } from '../core/values/hash.ts';
import { type Hash, type RunId, runNamed } from '../core/values/ids.ts';
import { messageOf as thrownMessage } from '../core/values/thrown.ts';
import { REQUEST_BYTES_MAX } from './http.ts';
import { type Handler, handlerOf, inEnvironment, type Logged, logsFailure } from './invocation.ts';
import { JsonObject, messageOf } from './start.ts';
import { type BeginningWorld, beginningWorld, currentBundle, manifestPlace } from './world.ts';

/** Where manifests come from and answers go to. */
export interface ManifestPlace {
  readonly uploads: Uploads;
  readonly bucket: string;
  /** Of all keys of the stack; empty or with a slash at its end. */
  readonly prefix: string;
}

/** What an upload came to. */
export type ManifestAnswer = {
  readonly manifest: string;
  readonly version?: string;
  readonly workflow: string;
} & ({ readonly run: RunId } | { readonly errors: readonly string[] });

const TABLES = /\.(csv|tsv|txt)$/i;

export function makeManifest(
  open: () => BeginningWorld,
  place: () => ManifestPlace,
  bundleNow: () => Promise<Hash | undefined>,
): Handler<readonly ManifestAnswer[]> {
  const started = async (event: unknown, { log }: Logged): Promise<readonly ManifestAnswer[]> => {
    const answers: ManifestAnswer[] = [];
    for (const upload of parseUploads(event)) {
      const { uploads, bucket, prefix } = place();
      const workflow = workflowOf(upload.key, prefix);
      if (workflow === undefined || upload.bucket !== bucket) {
        log.warn('an upload that is no manifest', { bucket: upload.bucket, key: upload.key });
        continue;
      }
      const world = open();
      const run = runIdOf(upload);
      const outcome = await startFrom(world, uploads, upload, { workflow, run, bundle: await bundleNow() });
      if (outcome === undefined) continue;
      const { version } = upload;
      const answer = { manifest: locationOf(upload), ...(version !== undefined && { version }), workflow, ...outcome };
      await uploads.answer(bucket, answerKey(upload.key, prefix, run), `${JSON.stringify(answer, undefined, 2)}\n`);
      answers.push(answer);
    }
    return answers;
  };
  return handlerOf(started, logsFailure('manifests could not be started'));
}

type StartOutcome = { readonly run: RunId } | { readonly errors: readonly string[] };

interface ManifestRun {
  readonly workflow: string;
  readonly run: RunId;
  readonly bundle: Hash | undefined;
}

/** undefined: it is gone, and nobody waits for an answer. */
async function startFrom(
  world: BeginningWorld,
  uploads: Uploads,
  upload: Upload,
  { workflow, run, bundle }: ManifestRun,
): Promise<StartOutcome | undefined> {
  if (bundle === undefined) return { errors: ['no workflows were deployed'] };
  const args = await argumentsOf(world, uploads, upload, workflow, bundle);
  if (args === undefined || 'errors' in args) return args;
  const launched = await launch(world, {
    workflow,
    args: args.args,
    bundle,
    run,
    tags: { manifest: locationOf(upload) },
  });
  if (launched.ok) return { run };
  // In a bucket without versions it was replaced since: the run of this upload is the one that its first event began.
  return 'error' in launched ? { errors: [messageOf(launched.error)] } : { run: launched.conflict };
}

type Arguments = { readonly args: Readonly<Record<string, unknown>> } | { readonly errors: readonly string[] };

async function argumentsOf(
  world: BeginningWorld,
  uploads: Uploads,
  upload: Upload,
  workflow: string,
  bundle: Hash,
): Promise<Arguments | undefined> {
  if (TABLES.test(upload.key)) {
    const { tasks } = await world.host.program(bundle);
    // What is no workflow is refused with the names of those there are.
    const params = tasks[workflow]?.params;
    if (params === undefined) return { args: {} };
    const files = fileParameters(params);
    const [name] = files;
    if (name !== undefined && files.length === 1) return { args: { [name]: locationOf(upload) } };
    return {
      errors: [
        `${workflow} takes ${files.length === 0 ? 'no file' : `several files (${files.join(', ')})`}: give its arguments as JSON`,
      ],
    };
  }
  if (!/\.json$/i.test(upload.key)) return { errors: ['a manifest is called .json, .csv, .tsv or .txt'] };
  const bytes = await uploads.read(upload, REQUEST_BYTES_MAX);
  if (bytes === undefined) return undefined;
  if (bytes.length > REQUEST_BYTES_MAX)
    return { errors: [`it has more than ${REQUEST_BYTES_MAX} bytes: put data into a file, and give its location`] };
  return parsed(bytes);
}

function parsed(bytes: Uint8Array): Arguments {
  try {
    const args: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const read = v.safeParse(JsonObject, args);
    return read.success ? { args: read.output } : { errors: [`it ${read.issues[0].message}`] };
  } catch (thrown) {
    return { errors: [`it is no JSON: ${thrownMessage(thrown)}`] };
  }
}

/** Names of the parameters that are files, those that must be given before those that may be: `core/language/params.ts`. */
function fileParameters(schema: unknown): string[] {
  const { properties, required } = isRecord(schema) ? schema : {};
  if (!isRecord(properties)) return [];
  const files = Object.keys(properties).filter((name) => {
    const property = properties[name];
    return isRecord(property) && property.format === 'redex-file';
  });
  const needed = files.filter((name) => Array.isArray(required) && required.includes(name));
  return needed.length > 0 ? needed : files;
}

function locationOf({ bucket, key }: Upload): string {
  return `s3://${bucket}/${key}`;
}

function runIdOf({ bucket, key, occasion }: Upload): RunId {
  return runNamed(digest('manifest', JSON.stringify([bucket, key, occasion])));
}

export const handlerIn = inEnvironment((environment) =>
  makeManifest(
    () => beginningWorld(environment),
    () => manifestPlace(environment),
    () => currentBundle(environment),
  ),
);

export const handler = handlerIn(ENVIRONMENT);
