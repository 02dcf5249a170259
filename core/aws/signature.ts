/** Requests that are signed as AWS wants it (Signature Version 4), by the credentials of whoever gave the command. */
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';

export interface SignableRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** Escaped. */
  readonly path: string;
  /** As it is. */
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** Gives the request with a signature in its headers. */
export type Sign = (request: SignableRequest) => Promise<SignableRequest>;

/** `service`: by the name that it has in signatures, as `execute-api`. */
export function signer(service: string, region: string): Sign {
  const signature = new SignatureV4({ service, region, credentials: defaultProvider(), sha256: Sha256 });
  return (request) => signature.sign(request) as Promise<SignableRequest>;
}
