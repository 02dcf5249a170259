/** What is known of something that was thrown, which may be anything. */

/** Of an error of the system or of Node: ENOENT, ERR_STREAM_PREMATURE_CLOSE. undefined where it has none. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Whether it is an error with one of these codes. */
export function isErrno(thrown: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(thrown);
  return code !== undefined && codes.includes(code);
}

/** Of an error its message, of anything else its text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
