/** What S3, or the way there, says of a file, in terms of the file. */

import { S3ServiceException } from '@aws-sdk/client-s3';
import * as v from 'valibot';
import { FileError, inputChanged, inputMissing, refused, unreachable } from './errors.ts';

/** 4xx that ask for time. */
const TROUBLE = [408, 425, 429];
/** Nobody knows who asks: another try is answered no better. */
const WITHOUT_ACCOUNT = ['CredentialsProviderError', 'TokenProviderError'];

export function isStatus(thrown: unknown, status: number): boolean {
  return thrown instanceof S3ServiceException && thrown.$metadata.httpStatusCode === status;
}

/** The work's result, or a FileError in place of what the SDK threw; NetworkError where the SDK's own tries were in vain. */
export async function explained<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw explanation(location, thrown) ?? thrown;
  }
}

function explanation(location: string, thrown: unknown): FileError | undefined {
  if (!(thrown instanceof Error) || thrown instanceof FileError) return undefined;
  if (WITHOUT_ACCOUNT.includes(thrown.name)) {
    return refused(location, `cannot be reached: there are no AWS credentials (${thrown.message})`);
  }
  // Every error of a request has it, also those of the network; what a source of bytes throws has not.
  if (!('$metadata' in thrown)) return undefined;
  const status = statusIn(thrown.$metadata);
  if (status === 404 && thrown.name === 'NoSuchBucket') {
    return refused(location, 'cannot be reached: there is no such bucket');
  }
  if (status === 404) return inputMissing(location);
  if (status === 412) return inputChanged(location);
  if (status === 403) return refused(location, 'cannot be reached: access denied');
  if (status === 301) return refused(location, 'cannot be reached: its bucket is in another region');
  const said = status === undefined ? textOf(thrown) : `S3 answered ${status} ${textOf(thrown)}`;
  const isFinal = status !== undefined && status >= 400 && status < 500 && !TROUBLE.includes(status);
  return isFinal ? refused(location, `cannot be reached: ${said}`) : unreachable(location, said);
}

function statusIn(metadata: unknown): number | undefined {
  const { output, success } = v.safeParse(v.object({ httpStatusCode: v.number() }), metadata);
  return success ? output.httpStatusCode : undefined;
}

/** Answers to HEAD have no body, and so no message. */
function textOf({ name, message }: Error): string {
  return message && message !== name && message !== 'UnknownError' ? `${name}: ${message}` : name;
}
