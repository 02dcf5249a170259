/** A stack that a command is about, found as CloudFormation has it. */
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findStack } from '../../cli/stack.ts';
import { hasMoto, type Moto, startMoto } from '../support/moto.ts';

describe.skipIf(!hasMoto())('a stack', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
    const client = new CloudFormationClient(moto.client);
    const Resources = { Bucket: { Type: 'AWS::S3::Bucket' } };
    const Outputs = {
      Bucket: { Value: { Ref: 'Bucket' } },
      HttpApiUrl: { Value: 'https://abc.execute-api.us-east-1.amazonaws.com' },
      Version: { Value: '0.1.0' },
    };
    const create = (StackName: string, template: object) =>
      client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
    await create('redex-dev', { Resources, Outputs });
    await create('another', { Resources });
  });
  afterAll(() => moto?.stop());

  it('tells its bucket, its API, its account and region, and which redex it has', async () => {
    expect(await findStack('redex-dev', moto.client)).toEqual({
      name: 'redex-dev',
      region: 'us-east-1',
      bucket: expect.stringMatching(/^redex-dev-bucket-/),
      apiUrl: 'https://abc.execute-api.us-east-1.amazonaws.com',
      account: '123456789012',
      version: '0.1.0',
      status: 'CREATE_COMPLETE',
    });
  });

  it('that is not there is said to be not there, in which region, and what to do', async () => {
    await expect(findStack('redex-prod', moto.client)).rejects.toMatchObject({
      name: 'StackUnavailable',
      trouble: 'no stack',
      message: expect.stringMatching(/^there is no stack redex-prod in us-east-1: .*--stack NAME.*serverless deploy/),
    });
    await expect(findStack('redex-dev', { ...moto.client, region: 'eu-west-1' })).rejects.toThrow(/in eu-west-1/);
  });

  it('of something else is not taken for one of redex', async () => {
    await expect(findStack('another', moto.client)).rejects.toMatchObject({
      trouble: 'not redex',
      message: expect.stringContaining('another in us-east-1 (CREATE_COMPLETE) does not say its bucket and its API'),
    });
  });
});
