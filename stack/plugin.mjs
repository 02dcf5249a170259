/** Lets the Serverless Framework build the functions, in the Node that they run in, before it packages or invokes them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROLES = { REDEX_JOB_ROLE: 'job', REDEX_EXECUTION_ROLE: 'execution' };

// biome-ignore lint/style/noDefaultExport: the framework asks for one.
export default class RedexPlugin {
  constructor(serverless) {
    const build = () => this.build(serverless.serviceDir);
    this.hooks = {
      initialize: () => this.nameRoles(serverless),
      'before:package:createDeploymentArtifacts': build,
      'before:deploy:function:packageFunction': build,
      'before:invoke:local:invoke': build,
      'after:deploy:deploy': () => this.deployCode(serverless),
    };
  }

  /** `invoke local` looks resources up by Ref alone: the roles are told by their names, which the stack has chosen. */
  async nameRoles(serverless) {
    if (serverless.processedInput.commands.join(' ') !== 'invoke local') return;
    const { environment } = serverless.service.provider;
    const account = await serverless.getProvider('aws').getAccountId();
    for (const [name, role] of Object.entries(ROLES)) {
      environment[name] = `arn:aws:iam::${account}:role/${serverless.service.custom.name}-${role}`;
    }
  }

  build(folder) {
    run(folder, ['stack/build.ts'], 'the functions could not be built');
  }

  /** What runs are made of comes with what runs them. */
  async deployCode(serverless) {
    const { bucket, profile } = serverless.service.custom.code;
    const name = typeof bucket === 'string' ? bucket : await this.bucketOf(serverless);
    const words = ['cli/redex.mjs', 'deploy-code', '--bucket', name, ...(profile === '' ? [] : ['--profile', profile])];
    run(serverless.serviceDir, words, 'the workflows could not be deployed');
  }

  async bucketOf(serverless) {
    const provider = serverless.getProvider('aws');
    const asked = { StackName: provider.naming.getStackName(), LogicalResourceId: 'Bucket' };
    const { StackResourceDetail } = await provider.request('CloudFormation', 'describeStackResource', asked);
    return StackResourceDetail.PhysicalResourceId;
  }
}

/** Not on standard output: that is the answer of `invoke local`. */
function run(folder, words, problem) {
  const node = join(folder, 'node_modules', 'node', 'bin', 'node');
  const { status, error } = spawnSync(node, words, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(problem, { cause: error });
}
