import { describe, expect, it } from 'vitest';
import { definitionProblem, jobDefinitionParams } from '../../core/aws/batch/job-definitions.ts';
import { submitParams } from '../../core/aws/batch/requests.ts';
import type { SecretSources } from '../../core/values/secrets.ts';
import { batchSettings, submission } from '../support/submission.ts';

const target = {
  queue: 'queue',
  definition: 'arn:definition:1',
  requirements: [{ type: 'VCPU', value: '2' } as const, { type: 'MEMORY', value: '4096' } as const],
};
const oneAttempt = { attempts: 1, evaluateOnExit: [{ onReason: '*', action: 'EXIT' }] };

describe('job definitions', () => {
  it('are one for each content, and another for another', () => {
    const params = jobDefinitionParams({ stack: 'test' }, { image: 'repo/image:1', role: 'arn:role' });
    expect(params).toEqual({
      jobDefinitionName: expect.stringMatching(/^redex-test-[0-9a-f]{40}$/),
      type: 'container',
      platformCapabilities: ['EC2'],
      containerProperties: {
        image: 'repo/image:1',
        jobRoleArn: 'arn:role',
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: '2048' },
        ],
      },
      retryStrategy: oneAttempt,
    });
    const nameOf = (...args: Parameters<typeof jobDefinitionParams>) => jobDefinitionParams(...args).jobDefinitionName;
    expect(nameOf({ stack: 'test' }, { role: 'arn:role', image: 'repo/image:1' })).toBe(params.jobDefinitionName);
    expect(nameOf({ stack: 'test' }, { image: 'repo/image:2', role: 'arn:role' })).not.toBe(params.jobDefinitionName);
    expect(nameOf({ stack: 'test' }, { image: 'repo/image:1', role: 'arn:role', platform: 'FARGATE' })).not.toBe(
      params.jobDefinitionName,
    );
  });

  it('give a Fargate job’s role to its agent, too', () => {
    const params = jobDefinitionParams({ stack: 'test' }, { image: 'i', role: 'arn:role', platform: 'FARGATE' });
    expect(params).toMatchObject({
      platformCapabilities: ['FARGATE'],
      containerProperties: { jobRoleArn: 'arn:role', executionRoleArn: 'arn:role' },
    });
  });

  const key = 'arn:aws:secretsmanager:us-west-2:123456789012:secret:sra-AbCdEf:key::' as const;
  const user = 'arn:aws:ssm:us-west-2:123456789012:parameter/sra/user' as const;

  it('name the secrets of a job by ARN in its definition, which the job’s role fetches, and nowhere else', () => {
    const secrets = { SRA_USER: user, SRA_KEY: key };
    const params = jobDefinitionParams({ stack: 'test' }, { image: 'i', role: 'arn:role', secrets });
    expect(params).toEqual({
      jobDefinitionName: expect.stringMatching(/^redex-test-[0-9a-f]{40}$/),
      type: 'container',
      platformCapabilities: ['EC2'],
      containerProperties: {
        image: 'i',
        jobRoleArn: 'arn:role',
        executionRoleArn: 'arn:role',
        secrets: [
          { name: 'REDEX_SECRET_SRA_KEY', valueFrom: key },
          { name: 'REDEX_SECRET_SRA_USER', valueFrom: user },
        ],
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: '2048' },
        ],
      },
      retryStrategy: oneAttempt,
    });
    expect(submitParams(batchSettings, submission({}, { secrets }), target)).toEqual(
      submitParams(batchSettings, submission(), target),
    );
  });

  it('are others for other secrets, and the same for the same in another order', () => {
    const nameOf = (secrets?: SecretSources) =>
      jobDefinitionParams({ stack: 'test' }, { image: 'i', role: 'arn:role', ...(secrets && { secrets }) })
        .jobDefinitionName;
    const names = [nameOf(), nameOf({ A: key }), nameOf({ B: key }), nameOf({ A: user }), nameOf({ A: key, B: user })];
    expect(new Set(names).size).toBe(names.length);
    expect(nameOf({ B: user, A: key })).toBe(names.at(-1));
    expect(nameOf({})).toBe(names[0]);
  });

  it('have what the deployment gives to executors that name none', () => {
    const deployed = {
      stack: 'test',
      image: 'default:1',
      jobRole: 'arn:job',
      executionRole: 'arn:aws',
      logGroup: '/jobs',
    };
    const log = { logDriver: 'awslogs', options: { 'awslogs-group': '/jobs' } };
    expect(jobDefinitionParams(deployed, {}).containerProperties).toMatchObject({
      image: 'default:1',
      jobRoleArn: 'arn:job',
      executionRoleArn: 'arn:aws',
      logConfiguration: log,
    });
    const own = { image: 'own:1', role: 'arn:own', executionRole: 'arn:own-aws' };
    expect(jobDefinitionParams(deployed, own).containerProperties).toMatchObject({
      image: 'own:1',
      jobRoleArn: 'arn:own',
      executionRoleArn: 'arn:own-aws',
      logConfiguration: log,
    });
    expect(definitionProblem({ stack: 'test' }, {})).toMatch(/names no image/);
    expect(definitionProblem(deployed, {})).toBeUndefined();
  });

  it('have secrets fetched by a role that was named for it, else by the job’s, and by the deployment’s last', () => {
    const deployed = { stack: 'test', image: 'i', executionRole: 'arn:aws' };
    const secrets = { KEY: key };
    const roleOf = (resources: Parameters<typeof jobDefinitionParams>[1]) =>
      jobDefinitionParams(deployed, { secrets, ...resources }).containerProperties?.executionRoleArn;
    expect(roleOf({ role: 'arn:own', executionRole: 'arn:named' })).toBe('arn:named');
    expect(roleOf({ role: 'arn:own' })).toBe('arn:own');
    expect(roleOf({})).toBe('arn:aws');
    expect(definitionProblem({ stack: 'test', image: 'i' }, { secrets })).toMatch(/it has none/);
  });

  it('say of Fargate what it has to be told: address, disk and kind of processor', () => {
    const fargate = { image: 'i', platform: 'FARGATE' } as const;
    const paramsOf = (resources: Parameters<typeof jobDefinitionParams>[1]) =>
      jobDefinitionParams({ stack: 'test' }, { ...fargate, ...resources }).containerProperties;
    expect(paramsOf({})).toMatchObject({ networkConfiguration: { assignPublicIp: 'ENABLED' } });
    expect(paramsOf({})).not.toHaveProperty('ephemeralStorage');
    expect(paramsOf({ publicIp: false, disk: 100.5, architecture: 'arm64' })).toMatchObject({
      networkConfiguration: { assignPublicIp: 'DISABLED' },
      ephemeralStorage: { sizeInGiB: 101 },
      runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: 'ARM64' },
    });
    expect(paramsOf({ architecture: 'x86_64' })).toMatchObject({ runtimePlatform: { cpuArchitecture: 'X86_64' } });
    // EC2 refuses all of these.
    const ec2 = jobDefinitionParams(
      { stack: 'test' },
      { image: 'i', publicIp: true, disk: 100, architecture: 'arm64' },
    );
    expect(Object.keys(ec2.containerProperties ?? {})).toEqual(['image', 'resourceRequirements']);
  });

  it('run an image of tools as it is, with the runner that a container before it puts into a volume', () => {
    const deployed = { stack: 'test', jobRole: 'arn:job', executionRole: 'arn:aws', logGroup: '/jobs' };
    const asItIs = { image: 'biocontainers/samtools:1', runnerImage: 'redex_runner:0.1.0', secrets: { KEY: key } };
    const params = jobDefinitionParams(deployed, asItIs);
    const log = { logDriver: 'awslogs', options: { 'awslogs-group': '/jobs' } };
    expect(params).not.toHaveProperty('containerProperties');
    expect(params.ecsProperties).toEqual({
      taskProperties: [
        {
          taskRoleArn: 'arn:job',
          executionRoleArn: 'arn:aws',
          volumes: [{ name: 'redex', host: {} }],
          containers: [
            {
              name: 'runner',
              image: 'redex_runner:0.1.0',
              command: ['--place', '/redex'],
              essential: false,
              user: 'root',
              mountPoints: [{ sourceVolume: 'redex', containerPath: '/redex' }],
              resourceRequirements: [
                { type: 'VCPU', value: '1' },
                { type: 'MEMORY', value: '256' },
              ],
              logConfiguration: log,
            },
            {
              name: 'job',
              image: 'biocontainers/samtools:1',
              command: ['/opt/redex/node', '/opt/redex/runner.mjs'],
              essential: true,
              dependsOn: [{ containerName: 'runner', condition: 'SUCCESS' }],
              mountPoints: [{ sourceVolume: 'redex', containerPath: '/opt/redex', readOnly: true }],
              secrets: [{ name: 'REDEX_SECRET_KEY', valueFrom: key }],
              resourceRequirements: [
                { type: 'VCPU', value: '1' },
                { type: 'MEMORY', value: '2048' },
              ],
              logConfiguration: log,
            },
          ],
        },
      ],
    });
    const submitted = submitParams(batchSettings, submission({}, asItIs), target);
    expect(submitted).not.toHaveProperty('containerOverrides');
    expect(submitted.ecsPropertiesOverride?.taskProperties?.[0]?.containers).toEqual([
      { name: 'job', ...submitParams(batchSettings, submission(), target).containerOverrides },
    ]);
    expect(definitionProblem(deployed, { ...asItIs, platform: 'FARGATE' })).toMatch(/fit no size/);
  });
});
