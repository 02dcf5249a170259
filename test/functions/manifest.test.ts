/** Manifests on S3 start workflows: once for each upload, and every upload is answered. */

import { readFileSync } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseUploads, s3Uploads, type Upload, type Uploads } from '../../core/aws/uploads.ts';
import { type File, task, v } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { type ManifestAnswer, makeManifest } from '../../functions/manifest.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { type PlainS3, startPlainS3 } from '../support/plain-s3.ts';
import { playWorld, takeOn } from '../support/play.ts';

task('m.sum', { version: '1', params: v.object({ a: v.number(), b: v.optional(v.number(), 1) }) }, ({ a, b }) => a + b);
task(
  'm.table',
  { version: '1', params: v.object({ sheet: v.file(), notes: v.optional(v.file()), n: v.optional(v.number()) }) },
  ({ sheet }: { sheet: File }) => sheet.location,
);
task('m.pair', { version: '1', params: v.object({ one: v.file(), two: v.file() }) }, () => 0);

const BUNDLE = digest('test', 'bundle');
const BUCKET = 'lab';

/** A bucket: what is there by key and, where it keeps versions, by key and version. */
interface Bucket extends Uploads {
  readonly objects: Map<string, string>;
  readonly answers: Map<string, ManifestAnswer>;
}

function bucketOf(): Bucket {
  const objects = new Map<string, string>();
  const answers = new Map<string, ManifestAnswer>();
  return {
    objects,
    answers,
    read({ key, version }, bytesMax) {
      const text = objects.get(version === undefined ? key : `${key}?${version}`);
      return Promise.resolve(text === undefined ? undefined : Buffer.from(text).subarray(0, bytesMax + 1));
    },
    answer: (_, key, text) => Promise.resolve(void answers.set(key, JSON.parse(text) as ManifestAnswer)),
  };
}

type Object = Readonly<Record<'key', string>> & { readonly version?: string; readonly sequencer?: string };

function notification({ key, version, sequencer = '0A' }: Object): unknown {
  const escaped = encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
  const object = { key: escaped, sequencer, ...(version !== undefined && { versionId: version }) };
  const s3 = { bucket: { name: BUCKET }, object };
  return { Records: [{ eventVersion: '2.3', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 }] };
}

function created({ key, version, sequencer = '0A' }: Object): unknown {
  const object = { key, sequencer, ...(version !== undefined && { 'version-id': version }) };
  return { source: 'aws.s3', 'detail-type': 'Object Created', detail: { bucket: { name: BUCKET }, object } };
}

describe('a manifest', () => {
  let world: MemoryWorld;
  let bucket: Bucket;
  beforeEach(() => {
    world = playWorld();
    bucket = bucketOf();
  });

  const handle = (event: unknown, prefix = '') =>
    makeManifest(
      () => world,
      () => ({ uploads: bucket, bucket: BUCKET, prefix }),
      () => Promise.resolve(BUNDLE),
    )(event);
  const put = async (key: string, text: string, event: (object: Object) => unknown = created) => {
    bucket.objects.set(key, text);
    const [answer] = await handle(event({ key }));
    return answer;
  };
  /** As whoever is woken has taken them on. */
  const runs = async () => {
    await takeOn(world);
    return world.summaries.list({});
  };

  it.each([
    ['a notification of S3', notification],
    ['an event of EventBridge', created],
  ])('in %s starts the workflow of its folder with what it says', async (_, event) => {
    const answer = await put('manifests/m.sum/März 2026+1/run 1.json', '{"a": 2}', event);
    const [summary] = await runs();
    expect(summary).toMatchObject({
      workflow: 'm.sum',
      args: { a: 2 },
      status: 'DONE',
      result: [3],
      tags: { manifest: 's3://lab/manifests/m.sum/März 2026+1/run 1.json' },
    });
    expect(answer).toEqual({
      manifest: 's3://lab/manifests/m.sum/März 2026+1/run 1.json',
      workflow: 'm.sum',
      run: summary?.run,
    });
    expect([...bucket.answers]).toEqual([
      [`manifest-answers/m.sum/März 2026+1/run 1.json/${summary?.run}.json`, answer],
    ]);
  });

  it('starts one run for each upload, however often and in whatever shape S3 says so', async () => {
    const key = 'manifests/m.sum/x.json';
    for (const [version, text] of [
      ['v1', '{"a":1}'],
      ['v2', '{"a":1}'],
      ['v3', '{"a":3}'],
    ] as const) {
      bucket.objects.set(`${key}?${version}`, text);
    }
    for (const version of ['v1', 'v2', 'v3', 'v1']) {
      for (const event of [notification, created, notification, created, notification, created]) {
        await handle(event({ key, version }));
      }
    }
    const results = (await runs()).map(({ result }) => result?.[0]).sort();
    expect(results).toEqual([2, 2, 4]);
    expect(bucket.answers.size).toBe(3);
  });

  it('starts another run when it is put again into a bucket without versions', async () => {
    const key = 'manifests/m.sum/x.json';
    bucket.objects.set(key, '{"a":1}');
    for (const sequencer of ['0A', '0A', '0B', '0B']) await handle(created({ key, sequencer, version: 'null' }));
    expect(await runs()).toHaveLength(2);
    // Replaced since, and said again: the run that the first event began is the one.
    bucket.objects.set(key, '{"a":5}');
    const [again] = await handle(created({ key, sequencer: '0A' }));
    expect(await runs()).toHaveLength(2);
    expect((await world.summaries.get((again as { run: RunId }).run))?.args).toEqual({ a: 1 });
  });

  it.each(['csv', 'tsv', 'txt', 'CSV'])(
    'that is a table, .%s, is given to the one parameter that is a file',
    async (kind) => {
      await put(`manifests/m.table/sheet.${kind}`, 'a,b\n1,2\n');
      const [summary] = await runs();
      expect(summary).toMatchObject({ args: { sheet: `s3://lab/manifests/m.table/sheet.${kind}` }, status: 'DONE' });
    },
  );

  it.each([
    ['m.pair/x.csv', '', /^m\.pair takes several files \(one, two\): give its arguments as JSON$/],
    ['m.sum/x.csv', '', /^m\.sum takes no file: give its arguments as JSON$/],
    ['m.none/x.csv', '', /no workflow m\.none/],
    ['constructor/x.csv', '', /no workflow constructor/],
    ['m.none/x.json', '{}', /no workflow m\.none/],
    ['m.sum/x.json', '{"a": "two"}', /a: /],
    ['m.sum/x.json', '{"a": 2', /^it is no JSON: /],
    ['m.sum/x.json', '', /^it is no JSON: /],
    ['m.sum/x.json', '[1]', /^it is no JSON object$/],
    ['m.sum/x.json', `{"a": "${'x'.repeat(1024 * 1024)}"}`, /^it has more than 1048576 bytes/],
    ['m.sum/x.xlsx', '', /^a manifest is called \.json, \.csv, \.tsv or \.txt$/],
  ])('%s (%#) that is wrong is answered with what is wrong, and starts nothing', async (key, text, problem) => {
    const answer = await put(`manifests/${key}`, text);
    expect(answer).toMatchObject({ errors: [expect.stringMatching(problem)] });
    expect([...bucket.answers.values()]).toEqual([answer]);
    expect(await runs()).toEqual([]);
  });

  it('is read below the prefix of the stack, and answered there', async () => {
    bucket.objects.set('deep/manifests/m.sum/x.json', '{"a":1}');
    await handle(created({ key: 'deep/manifests/m.sum/x.json' }), 'deep/');
    const [summary] = await runs();
    expect([...bucket.answers.keys()]).toEqual([`deep/manifest-answers/m.sum/x.json/${summary?.run}.json`]);
  });

  it('with a name that leaves no room for more is answered under its hash', async () => {
    const key = `manifests/m.sum/${'ü'.repeat(480)}.json`;
    await put(key, '{"a":1}');
    const [summary] = await runs();
    expect([...bucket.answers.keys()]).toEqual([`manifest-answers/${digest('key', key)}/${summary?.run}.json`]);
  });

  it('that is gone when it is looked at starts nothing, and nobody is answered', async () => {
    expect(await handle(created({ key: 'manifests/m.sum/x.json' }))).toEqual([]);
    expect(bucket.answers.size).toBe(0);
  });

  it('that cannot be read now fails the invocation, which is tried again', async () => {
    bucket.read = () => Promise.reject(new Error('SlowDown'));
    await expect(handle(created({ key: 'manifests/m.sum/x.json' }))).rejects.toThrow('SlowDown');
  });

  it.each([
    ['elsewhere in the bucket', created({ key: 'values/m.sum/x.json' })],
    ['the answer to one', created({ key: 'manifest-answers/m.sum/x.json/1.json' })],
    ['a folder', created({ key: 'manifests/m.sum/' })],
    ['in no workflow’s folder', created({ key: 'manifests/x.json' })],
    ['in another bucket', JSON.parse(JSON.stringify(created({ key: 'manifests/m.sum/x.json' })).replace(BUCKET, 'x'))],
    [
      'removed',
      JSON.parse(JSON.stringify(notification({ key: 'manifests/m.sum/x.json' })).replace('Created', 'Removed')),
    ],
    ['S3’s test', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: BUCKET }],
    ['no event', 'nonsense'],
  ])('is not what is %s', async (_, event) => {
    bucket.objects.set('manifests/m.sum/x.json', '{"a":1}');
    expect(await handle(event)).toEqual([]);
    expect([await runs(), bucket.answers.size]).toEqual([[], 0]);
  });
});

describe('uploads', () => {
  const captured = (name: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../../shared/data/events/${name}.json`, import.meta.url), 'utf8'));

  it('are read out of events as AWS sends them', () => {
    expect(parseUploads(captured('s3-notification-put'))).toEqual([
      {
        bucket: 'lambda-artifacts-deafc19498e3f2df',
        key: 'b21b84d653bb07b05b1e6b33684dc11b',
        version: undefined,
        occasion: '0C0F6F405D6ED209E1',
      },
    ]);
    expect(parseUploads(captured('s3-eventbridge-object-created'))).toEqual([
      { bucket: 'example-bucket', key: 'IMG_m7fzo3.jpg', version: undefined, occasion: '006408CAD69598B05E' },
    ]);
    expect(parseUploads(notification({ key: 'x' }))).toHaveLength(1);
  });

  let s3: PlainS3;
  let uploads: Uploads;
  beforeAll(async () => {
    s3 = await startPlainS3();
    const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
    const client = new S3Client({ endpoint: s3.url, forcePathStyle: true, region: 'us-east-1', credentials });
    uploads = s3Uploads(client);
  });
  afterAll(() => s3.stop());

  it('are read from S3 up to what may be asked for, and answered there', async () => {
    const upload: Upload = { bucket: BUCKET, key: 'manifests/w/ä b.json', version: undefined, occasion: '1' };
    expect(await uploads.read(upload, 10)).toBeUndefined();
    await uploads.answer(BUCKET, upload.key, '{"a":1}');
    expect(Buffer.from((await uploads.read(upload, 3)) ?? []).toString()).toBe('{"a"');
    expect(Buffer.from((await uploads.read(upload, 100)) ?? []).toString()).toBe('{"a":1}');
  });
});
