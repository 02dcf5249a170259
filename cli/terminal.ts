/** What a terminal is given of text that jobs wrote. */

/** All control characters but tab and line end: C0, DEL and C1, which some terminals take for escape sequences, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

const CONTROLS_IN_JSON = /[\u007f-\u009f]/g;

/** On a terminal control characters are shown, as `\x1b`, and do nothing; elsewhere the text stays as it was written. */
export function shown(text: string, stream: { readonly isTTY?: boolean }): string {
  if (!stream.isTTY) return text;
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROLS, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** As JSON that is text on every terminal: JSON itself leaves DEL and C1 as they are. */
export function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    CONTROLS_IN_JSON,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The pieces of what a job wrote, for the stream: as they are, or as `shown` has them, also where a letter or a line end
 * lies in two pieces. A log may be larger than any string.
 */
export async function* shownPieces(
  pieces: AsyncIterable<Uint8Array>,
  stream: { readonly isTTY?: boolean },
): AsyncGenerator<Uint8Array | string> {
  if (!stream.isTTY) return yield* pieces;
  const decoder = new TextDecoder();
  let held = '';
  for await (const piece of pieces) {
    const text = held + decoder.decode(piece, { stream: true });
    held = text.endsWith('\r') ? '\r' : '';
    yield shown(text.slice(0, text.length - held.length), stream);
  }
  yield shown(held + decoder.decode(), stream);
}

/** Whoever reads the output may have seen enough (`redex logs JOB | head`): that is no error, and there is no more to do. */
export function endQuietlyWithReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}
