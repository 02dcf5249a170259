/** Files that may not be there. */
import { readFile } from 'node:fs/promises';
import { isErrno } from '../values/thrown.ts';

/** undefined when there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
}
