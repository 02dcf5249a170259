/**
 * Stacks of a program that was linked from the sources, with the places of the sources. The maps are read when a stack is
 * looked at: Node's own way, which is to read them with the files, would take a tenth of the start.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('./', import.meta.url).href;

/** From now on, in a program that has its maps beside it; the sources themselves need nothing. */
export function readableStacks(): void {
  if (import.meta.url.endsWith('.ts')) return;
  const maps = new Map<string, SourceMap | undefined>();
  Error.prepareStackTrace = (error, frames) =>
    [headOf(error), ...frames.map((frame) => `    at ${originOf(String(frame), maps)}`)].join('\n');
}

function headOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    // What names itself by something that throws.
    return 'Error';
  }
}

const PLACE = /(file:\/\/[^\s()]+\.mjs):(\d+):(\d+)/;

function originOf(frame: string, maps: Map<string, SourceMap | undefined>): string {
  const [place, url = '', line, column] = PLACE.exec(frame) ?? [];
  if (place === undefined || !url.startsWith(FOLDER)) return frame;
  if (!maps.has(url)) maps.set(url, mapOf(url));
  const origin = maps.get(url)?.findOrigin(Number(line), Number(column));
  if (!origin || !('fileName' in origin) || origin.fileName === undefined) return frame;
  return frame.replace(place, `${new URL(origin.fileName, url).href}:${origin.lineNumber}:${origin.columnNumber}`);
}

function mapOf(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')));
  } catch {
    return undefined;
  }
}
