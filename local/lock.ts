/** Who owns a local cloud. */
import { ClassicLevel } from 'classic-level';

/**
 * Takes the lock that is kept in `folder`; undefined when another process, or this one, holds it. It is LevelDB's own
 * lock, which belongs to the open file: the kernel drops it when its process dies, however that happens, so that there
 * is no stale lock to judge.
 */
export async function takeLock(folder: string): Promise<{ release(): Promise<void> } | undefined> {
  const level = new ClassicLevel(folder);
  try {
    await level.open();
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw error;
  }
  return { release: () => level.close() };
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}
