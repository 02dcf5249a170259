/** The stack that a command is about, as CloudFormation knows it: by the user's own credentials, region and profile. */
import type { CloudFormationClientConfig, Stack as Described } from '@aws-sdk/client-cloudformation';
import { UsageError } from './usage-error.ts';

/** Of `npx serverless deploy` without a word: the service's name and its stage. */
const STACK_DEFAULT = 'redex-dev';
/** As core/environment.ts takes it; CloudFormation wants a letter first. */
const STACK_NAME = /^[A-Za-z][A-Za-z0-9-]{0,39}$/;
const CONNECTION_MS_MAX = 3_000;
const ANSWER_MS_MAX = 10_000;
/** With all that is tried again. */
const LOOK_MS_MAX = 25_000;

export interface Stack {
  readonly name: string;
  readonly region: string;
  readonly bucket: string;
  /** Of the HTTP API, without a slash at its end. */
  readonly apiUrl: string;
  /** Twelve digits. */
  readonly account: string;
  /** Of redex, as it was deployed; undefined: by a redex that did not say it yet. */
  readonly version: string | undefined;
  /** CloudFormation's, as `UPDATE_COMPLETE`. */
  readonly status: string;
}

export type StackTrouble = 'no stack' | 'not redex' | 'no region' | 'no credentials' | 'denied' | 'unreachable';

/** Which stack is meant cannot be said, or that is not to be had: the message says what to do. */
export class StackUnavailable extends Error {
  override readonly name = 'StackUnavailable';
  readonly trouble: StackTrouble;

  constructor(trouble: StackTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}

/** The name that was given, else REDEX_STACK, else that of a deployment without a word. Throws UsageError where it is none. */
export function stackName(given: string | undefined, variables: NodeJS.ProcessEnv = process.env): string {
  const name = given ?? (variables.REDEX_STACK || STACK_DEFAULT);
  if (STACK_NAME.test(name)) return name;
  throw new UsageError(`${name} is no name of a stack: a letter, and then up to 39 letters, digits and -`);
}

/** Throws StackUnavailable. `settings`: of the SDK's client, where they are not the user's own. */
export async function findStack(name: string, settings: CloudFormationClientConfig = {}): Promise<Stack> {
  // The SDK is large: whoever needs none is not made to wait for it.
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient({
    requestHandler: {
      connectionTimeout: CONNECTION_MS_MAX,
      requestTimeout: ANSWER_MS_MAX,
      throwOnRequestTimeout: true,
    },
    maxAttempts: 2,
    ...settings,
  });
  try {
    const region = await client.config.region();
    const asked = client.send(new DescribeStacksCommand({ StackName: name }), {
      abortSignal: AbortSignal.timeout(LOOK_MS_MAX),
    });
    const { Stacks: [found] = [] } = await asked.catch((error: unknown) => {
      throw unavailable(name, error, region);
    });
    return stackOf(name, region, found);
  } catch (error) {
    if (error instanceof StackUnavailable) throw error;
    throw unavailable(name, error);
  } finally {
    client.destroy();
  }
}

function stackOf(name: string, region: string, found: Described | undefined): Stack {
  if (!found) throw missing(name, region);
  const outputs = new Map(found.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  const [bucket, apiUrl] = [outputs.get('Bucket'), outputs.get('HttpApiUrl')];
  const status = found.StackStatus ?? 'UNKNOWN';
  if (!(bucket && apiUrl)) {
    throw new StackUnavailable(
      'not redex',
      `the stack ${name} in ${region} (${status}) does not say its bucket and its API: was its deployment finished, ` +
        'and is it one of redex? npx serverless deploy deploys it anew',
    );
  }
  return {
    name,
    region,
    bucket,
    apiUrl: apiUrl.replace(/\/$/, ''),
    // arn:aws:cloudformation:REGION:ACCOUNT:stack/…
    account: found.StackId?.split(':')[4] ?? '',
    version: outputs.get('Version'),
    status,
  };
}

function missing(name: string, region: string): StackUnavailable {
  return new StackUnavailable(
    'no stack',
    `there is no stack ${name} in ${region}: say which by --stack NAME or REDEX_STACK, and where by AWS_REGION, ` +
      'or deploy one by npx serverless deploy',
  );
}

/** What AWS calls credentials that are there, and do not count. */
const WRONG_CREDENTIALS =
  /^(ExpiredToken(Exception)?|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch)$/;
const NO_CREDENTIALS = /^(Credentials|Token)ProviderError$/;
const LOG_IN = 'log in (aws sso login, aws configure), or name a profile by AWS_PROFILE';

function unavailable(name: string, error: unknown, region?: string): StackUnavailable {
  const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
  const told = (trouble: StackTrouble, text: string) => new StackUnavailable(trouble, text, { cause: error });
  if (region !== undefined && /does not exist/.test(message)) return missing(name, region);
  if (/region (is missing|not accepted)/i.test(message)) {
    return told('no region', 'there is no AWS region: name it by AWS_REGION, or in your profile (aws configure)');
  }
  if (NO_CREDENTIALS.test(kind)) return told('no credentials', `there are no AWS credentials: ${LOG_IN}`);
  if (WRONG_CREDENTIALS.test(kind)) {
    return told('no credentials', `AWS does not take your credentials (${kind}): ${LOG_IN}; or your clock is wrong`);
  }
  if (/^AccessDenied(Exception)?$/.test(kind)) {
    return told('denied', `you may not look at the stack ${name}: ask for cloudformation:DescribeStacks on it`);
  }
  const where = region === undefined ? '' : ` in ${region}`;
  return told('unreachable', `AWS did not tell of the stack ${name}${where}: ${message}`);
}
