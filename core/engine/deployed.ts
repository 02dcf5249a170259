/** Which bundle new runs are pinned to. It is an object beside the bundles, since only who may write those may write it. */
import { type Hash, parseHash } from '../values/ids.ts';
import { getSealed, keys, putSealed, ValueDamaged, ValueGone } from './objects.ts';
import type { Objects } from './ports.ts';

/** A bundle is not in the store, or not as it was put there. */
export class BundleGone extends Error {
  override readonly name = 'BundleGone';
}

/** The bundle must be there: runs may begin at once. */
export async function deployBundle(objects: Objects, bundle: Hash): Promise<void> {
  await putSealed(objects, keys.deployed, bundle);
}

/** undefined where none was deployed. Throws ValueDamaged when it does not say which. */
export async function deployedBundle(objects: Objects): Promise<Hash | undefined> {
  const found = await getSealed(objects, keys.deployed).catch((error: unknown) => {
    if (error instanceof ValueGone && !(error instanceof ValueDamaged)) return undefined;
    throw error;
  });
  return found === undefined ? undefined : parseHash(found);
}
