/** The runner as it is in the cloud: its store on S3, claims in DynamoDB, files on S3, where moto is installed. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import { ensureTables } from '../../core/aws/tables.ts';
import { putSpecs } from '../../core/engine/manifest.ts';
import { keys } from '../../core/engine/objects.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { fileAccess } from '../../core/files/access.ts';
import { Dir, File, Place, STDOUT } from '../../core/values/classes.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, Hash, RunId, SubmissionId } from '../../core/values/ids.ts';
import { buildRunner } from '../../docker/runner/build.ts';
import { hasMoto, type Moto, startMoto } from '../support/moto.ts';

const name = `redex-${randomBytes(4).toString('hex')}`;

describe.skipIf(!hasMoto())('the runner on AWS', () => {
  let moto: Moto;

  beforeAll(async () => {
    moto = await startMoto();
  });

  afterAll(() => moto.stop());

  it('stages in from S3, runs, stages out to S3 and records, once', async () => {
    const { client } = moto;
    const [s3, dynamo] = [new S3Client({ ...client, forcePathStyle: true }), new DynamoDBClient(client)];
    await s3.send(new CreateBucketCommand({ Bucket: name }));
    const tables = { runs: `${name}-runs`, cache: `${name}-cache`, attempts: `${name}-attempts` };
    await ensureTables(dynamo, tables);
    const [objects, files] = [s3Objects(s3, name, 'scratch/'), fileAccess({ s3 })];
    const clock = { now: Date.now, nonce: () => randomBytes(8).toString('hex'), sleep };
    const attempts = dynamoAttempts(dynamo, tables.attempts, objects, clock);

    const reads = new File(`s3://${name}/in/reads`, await files.write(`s3://${name}/in/reads`, 'ACGT\n'));
    await files.write(`s3://${name}/dir/a/b`, 'deep\n');
    const dir = new Dir(`s3://${name}/dir/`, await files.version('dir', `s3://${name}/dir/`));
    const text = 'test ! -L reads; cat reads ref/dir/a/b > out; mkdir made; cp out made/x; cat out\n';
    const outputs = {
      out: new Place('file', `s3://${name}/out/reads`, 'out'),
      made: new Place('dir', `s3://${name}/made/`, 'made'),
      text: STDOUT,
    };
    const spec: JobSpec = {
      v: 1,
      run: 'run1' as RunId,
      submission: 's-1' as SubmissionId,
      eval: digest('test', name) as EvalHash,
      attempt: 1,
      task: 'redex.script',
      bundle: 'b'.repeat(40) as Hash,
      args: encode([text, [reads.stage(), dir.stage('ref/dir')], outputs, {}]),
    };
    const hash = await putSpecs(objects, [spec]);
    const { main } = await buildRunner(join(tmpdir(), 'redex-test-runner'));
    const work = await mkdtemp(join(tmpdir(), 'redex-cloud-'));
    const run = (holder: string) =>
      new Promise<number | null>((resolve) => {
        const env = {
          AWS_REGION: client.region,
          AWS_ENDPOINT_URL: client.endpoint,
          AWS_ACCESS_KEY_ID: client.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: client.credentials.secretAccessKey,
          PATH: process.env.PATH,
          REDEX_SPEC: keys.spec(hash),
          REDEX_STORE: `s3://${name}/scratch`,
          REDEX_TABLE_ATTEMPTS: tables.attempts,
          REDEX_WORK: work,
          AWS_BATCH_JOB_ID: holder,
        };
        spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'inherit'] }).once('exit', resolve);
      });

    expect((await Promise.all([run('a'), run('b')])).sort()).toEqual([0, 97]);
    const outcome = (await attempts.read(spec.run, [spec.eval])).get(spec.eval)?.outcome;
    const value =
      outcome?.ok && decode(outcome.expression, { task: (task) => task, expression: (expression) => expression });
    expect(value).toEqual({
      out: new File(`s3://${name}/out/reads`, await files.version('file', `s3://${name}/out/reads`)),
      made: new Dir(`s3://${name}/made/`, await files.version('dir', `s3://${name}/made/`)),
      text: 'ACGT\ndeep\n',
    });
    expect(await files.text(`s3://${name}/made/x`)).toBe('ACGT\ndeep\n');
    expect(outcome?.measured).toMatchObject({ stagedInBytes: 10, stagedOutBytes: 20, exitCode: 0 });
    await rm(work, { recursive: true });
  });
});
