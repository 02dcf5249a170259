/**
 * Files that lie beside a module, `new URL('./counts.sh', import.meta.url)`: they are part of the bundle, and where that is
 * loaded they are laid out beside it.
 */
import { basename, dirname, resolve } from 'node:path';
import { digestBytes } from '../values/hash.ts';
import { readInstalled, statInstalled } from './installed.ts';

/** A bundle is loaded by every inline task's worker: what is larger is data, and belongs into an argument. */
export const FILE_BYTES_MAX = 5 * 1024 * 1024;

/** The module that lays files out, and the one function it exports. */
export const ASSETS_MODULE = 'redex:assets';
export const LAY_OUT = '__redexAsset';

/** Writes a file once, whole, under the hash of its bytes, and gives its address instead of the one that was asked for. */
export const ASSETS_CODE = `import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
export function ${LAY_OUT}(_asked, hash, name, mode, base64) {
  const folder = new URL('./assets/' + hash + '/', import.meta.url);
  const file = new URL(encodeURIComponent(name), folder);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = new URL('.' + process.pid + '.part', folder);
  writeFileSync(part, Buffer.from(base64, 'base64'), { mode: mode & 0o700 });
  renameSync(part, file);
  return file;
}
`;

export interface Asset {
  /** Of its bytes, and of whether it can be run. */
  readonly hash: string;
  readonly name: string;
  readonly mode: number;
  readonly base64: string;
}

/** The file at the address, relative to the module; undefined where there is none. Throws for one that is too large. */
export async function assetAt(module: string, address: string): Promise<Asset | undefined> {
  const file = resolve(dirname(module), decodeURIComponent(address));
  const found = await statInstalled(file);
  if (found?.kind !== 'file') return undefined;
  if (found.size > FILE_BYTES_MAX) {
    throw new RangeError(
      `${address} has ${found.size} bytes, and a file beside a workflow at most ${FILE_BYTES_MAX}: pass it as an argument`,
    );
  }
  const bytes = await readInstalled(file);
  const mode = modeOf(found);
  const hash = digestBytes(Buffer.concat([Buffer.from(`${mode} `), bytes]));
  return { hash, name: basename(file), mode, base64: bytes.toString('base64') };
}

/** Whether it can be run is all that counts. */
export function modeOf({ mode }: { readonly mode: number }): number {
  return (mode & 0o100) === 0 ? 0o644 : 0o755;
}
