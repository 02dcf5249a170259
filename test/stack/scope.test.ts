/** How far what is deployed reaches: by whom functions are called and roles are taken on, what those name, what expires. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimParams } from '../../core/aws/attempts.ts';
import { evaluationItem } from '../../core/aws/cache.ts';
import { EXPIRES } from '../../core/aws/tables.ts';
import { keys } from '../../core/engine/objects.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';
import { ofType, packaged, ROOT } from './template.ts';

const template = packaged();

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** Variables that no function of the stack has to have, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  REDEX_STORE: 'REDEX_BUCKET stands for it',
  REDEX_FILES_ROOT: 'there are no local files',
  REDEX_LOCAL: 'is for the local cloud',
  REDEX_SENDER: 'is for the local cloud',
  REDEX_UMASK: 'is for the local cloud',
  REDEX_BUS: 'is the default bus',
  REDEX_SWEEP_SECONDS: 'is what the schedule of the sweep is',
  REDEX_LIVE_NODES_MAX: 'is for who takes large runs forward',
};

describe('functions', () => {
  const functions = ofType(template, 'AWS::Lambda::Function');

  it('are given what the code reads, and nothing by a name that it does not know', () => {
    const code = readFileSync(join(ROOT, 'core/environment.ts'), 'utf8');
    const [, variables = ''] = /const EngineVariables = ([\s\S]*?)\n\);/.exec(code) ?? [];
    const read = new Set(variables.match(/^ +REDEX_[A-Z_]+(?=:)/gm)?.map((name) => name.trim()));
    expect(read.size).toBeGreaterThan(15);
    for (const [name, { Properties }] of functions) {
      const given = Object.keys(Properties.Environment.Variables).filter((variable) => variable.startsWith('REDEX_'));
      expect([name, given.filter((variable) => !read.has(variable))]).toEqual([name, []]);
      const missing = [...read].filter((variable) => !given.includes(variable) && !(variable in LEFT_OUT));
      expect([name, missing]).toEqual([name, []]);
    }
  });

  it('have no address of their own, and are called by the API and the rules of the stack alone', () => {
    expect(ofType(template, 'AWS::Lambda::Url')).toEqual([]);
    const permissions = ofType(template, 'AWS::Lambda::Permission');
    expect(permissions.length).toBeGreaterThan(5);
    for (const [name, { Properties }] of permissions) {
      expect(['apigateway.amazonaws.com', 'events.amazonaws.com']).toContain(Properties.Principal);
      const own = Properties.Principal === 'apigateway.amazonaws.com' ? '"Ref":"HttpApi"' : 'Rule","Arn"';
      expect([name, JSON.stringify(Properties.SourceArn).includes(own)]).toEqual([name, true]);
    }
  });
});

describe('roles', () => {
  const roles = ofType(template, 'AWS::IAM::Role');

  /** A resource as a pattern, references and all. */
  const textOf = (resource: unknown): string =>
    typeof resource === 'string' ? resource : String((resource as Record<string, unknown>)['Fn::Sub'] ?? '');

  it('stand for more than one thing only below what is the stack’s own', () => {
    const statements = roles.flatMap(([, { Properties }]) =>
      (Properties.Policies ?? []).flatMap(
        ({ PolicyDocument }: { PolicyDocument: { Statement: readonly Statement[] } }) => PolicyDocument.Statement,
      ),
    ) as Statement[];
    const wide = statements
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action, Resource }) => [Resource].flat().map((one) => [String(Action), textOf(one)] as const))
      // Alone it is looked at in template.test.ts.
      .filter(([, resource]) => resource.includes('*') && resource !== '*');
    expect(wide.length).toBeGreaterThan(10);
    const isOwn = (resource: string) =>
      /redex-dev(-[a-z]+)?[-:]\*$|\$\{(Bucket|RunsTable)\.Arn\}\/[a-z/]*\*$/.test(resource);
    // Jobs have ids that AWS makes up, and no job is ended by its name.
    expect(wide.filter(([action, resource]) => !isOwn(resource) && action !== 'batch:TerminateJob')).toEqual([]);
  });

  it('are taken on by the services that need them, and by nobody else', () => {
    for (const [name, { Properties }] of roles) {
      const { Statement } = Properties.AssumeRolePolicyDocument as { Statement: { Principal: object }[] };
      const service = { JobRole: 'ecs-tasks', ExecutionRole: 'ecs-tasks', MachineRole: 'ec2' }[name] ?? 'lambda';
      expect([name, Statement.map(({ Principal }) => Principal)]).toEqual([
        name,
        [{ Service: `${service}.amazonaws.com` }],
      ]);
    }
  });
});

describe('what expires', () => {
  it('in the tables does so by the attribute that results and claims are written with, in seconds', () => {
    const now = Date.UTC(2030, 0, 1);
    const claim = { run: 'r' as RunId, eval: 'e' as EvalHash, attempt: 1, holder: 'h' };
    const evaluation = evaluationItem(
      { ...claim, hash: claim.eval, task: 't', expression: [], at: now },
      { S: 'x' },
      now,
    );
    const claimed = claimParams('attempts', claim, 'nonce', now).Item ?? {};
    const daysOf = (item: typeof evaluation) => (Number(item[EXPIRES]?.N) - now / 1000) / (24 * 60 * 60);
    expect([daysOf(evaluation), daysOf(claimed)]).toEqual([90, 30]);
    for (const [name, { Properties }] of ofType(template, 'AWS::DynamoDB::Table')) {
      expect([name, Properties.TimeToLiveSpecification?.AttributeName]).toEqual([
        name,
        name === 'RunsTable' ? undefined : EXPIRES,
      ]);
    }
  });

  it('in the bucket is nothing that a run is made of', () => {
    const rules = template.Resources.Bucket?.Properties.LifecycleConfiguration.Rules as Record<string, unknown>[];
    const hash = digest('any', 'thing');
    const kept = [
      keys.value(hash),
      keys.spec(hash),
      keys.bundle(hash),
      keys.program(hash),
      keys.deployed,
      keys.done('run', hash),
      // Where core/aws puts what no item takes, and manifests with their answers.
      ...['journal', 'summaries', 'cache', 'outcomes', 'manifests', 'manifest-answers'].map((folder) => `${folder}/x`),
    ];
    const expiring = rules.filter((rule) => Object.keys(rule).some((key) => /^(Expir|Transition)/.test(key)));
    expect(expiring.length).toBeGreaterThan(1);
    for (const { Prefix } of expiring) {
      expect([Prefix, kept.filter((key) => key.startsWith(String(Prefix ?? '')))]).toEqual([Prefix, []]);
    }
  });
});
