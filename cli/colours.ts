/** Colours, on a terminal only; NO_COLOR turns them off there too. */
import { createColors } from 'picocolors';
import { shown } from './terminal.ts';

type Stream = Pick<NodeJS.WriteStream, 'isTTY'>;

/** Painters for what is written to `stream`. */
export function coloursFor(stream: Stream) {
  return createColors(stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb');
}

const STATUS_COLOURS: readonly (readonly [RegExp, 'red' | 'green' | 'yellow' | 'cyan'])[] = [
  [/\bFAILED\b/g, 'red'],
  [/\bDONE\b/g, 'green'],
  [/\bCACHED\b/g, 'cyan'],
  [/\b(?:RUNNING|INTERRUPTED|STOPPED|CANCELLED|CANCELLING)\b/g, 'yellow'],
];

/** The text with the words for statuses painted; layout comes first, since colours take no room. */
export function paintStatuses(text: string, stream: Stream): string {
  const colours = coloursFor(stream);
  return STATUS_COLOURS.reduce(
    (painted, [words, colour]) => painted.replace(words, (word) => colours[colour](word)),
    text,
  );
}

/** A traceback with its heading bold and its error red; controls that a job's error holds are shown as text. */
export function paintFailure(text: string, stream: Stream): string {
  const colours = coloursFor(stream);
  return shown(text, stream)
    .split('\n')
    .map((line) => (line.startsWith('Traceback (') ? colours.bold(line) : line))
    .map((line) => (/^[A-Z]\w*: /.test(line) ? colours.red(line) : line))
    .join('\n');
}
