/** Names of images and roles, as registries, Batch and IAM read them. Pure. */

export interface ImageName {
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** Where it is in a private registry of ECR. */
  readonly ecr: EcrImage | undefined;
}

export interface EcrImage {
  readonly account: string;
  readonly region: string;
  readonly repository: string;
  readonly imageTag: string;
  readonly imageDigest: string | undefined;
}

/** The grammar of distribution's reference package: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`; a host has a dot or a port. */
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST = '(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?';
const IMAGE = new RegExp(
  `^(?:(?=[^/]*[.:]|localhost/)(?<host>${HOST})/)?(?<path>${COMPONENT}(?:/${COMPONENT})*)(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>[a-z0-9]+:[0-9a-f]{32,}))?$`,
);
const ECR = /^(?<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;
/** Of a name without either. */
const TAG_DEFAULT = 'latest';

/** undefined where it is no name of an image. */
export function parseImage(text: string): ImageName | undefined {
  const { groups } = IMAGE.exec(text) ?? {};
  if (!groups?.path) return undefined;
  const { host = '', path, tag, digest } = groups;
  const { account, region } = ECR.exec(host)?.groups ?? {};
  const ecr =
    account && region
      ? { account, region, repository: path, imageTag: tag ?? TAG_DEFAULT, imageDigest: digest }
      : undefined;
  return { tag, digest, ecr };
}

/** undefined where it is no ARN of a role; a path before the name belongs to the ARN alone. */
export function parseRole(arn: string): { readonly account: string; readonly name: string } | undefined {
  const { account, name } =
    /^arn:aws[a-z-]*:iam::(?<account>\d{12}):role\/(?:.*\/)?(?<name>[\w+=,.@-]+)$/.exec(arn)?.groups ?? {};
  return account && name ? { account, name } : undefined;
}
