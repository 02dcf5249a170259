/** What a terminal is given of text that jobs wrote. */

/** All control characters but tab and line end: C0, DEL and C1, which some terminals take for escape sequences, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** On a terminal control characters are shown, as `\x1b`, and do nothing; elsewhere the text stays as it was written. */
export function shown(text: string, stream: { readonly isTTY?: boolean }): string {
  if (!stream.isTTY) return text;
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROLS, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Whoever reads the output may have seen enough (`redex logs JOB | head`): that is no error, and there is no more to do. */
export function endQuietlyWithReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}
