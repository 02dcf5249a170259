/** Where in the author's files something stands, read from a stack that goes through the source map. */

const FRAME = /^ {4}at (?:.*\()?(.+):(\d+):\d+\)?$/;

/**
 * `path:line` of the innermost frame in a file of the project; `bundle` is the bundle's address, beside which its source
 * map has the author's files.
 */
export function placeIn(stack: string | undefined, bundle: string): string | undefined {
  const here = addresses(bundle);
  const folders = here.map((file) => file.slice(0, file.lastIndexOf('/') + 1));
  for (const line of stack?.split('\n') ?? []) {
    const [, file = '', row] = FRAME.exec(line) ?? [];
    const folder = folders.find((one) => file.startsWith(one));
    // The bundle itself stands for what no source map covers.
    if (folder !== undefined && !here.includes(file)) return `${file.slice(folder.length)}:${row}`;
  }
  return undefined;
}

/** As code that was mapped has it, and as other code has it. */
function addresses(bundle: string): string[] {
  return [decodeURIComponent(new URL(bundle).pathname), bundle];
}
