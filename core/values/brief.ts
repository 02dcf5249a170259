/**
 * Values in a few words: what a call was given, for tracebacks and lists of jobs. The text is short whatever the value is,
 * and costs no more than what it shows. What is named like a secret, or is one in an address, is left out; so are
 * environments.
 */
import { isScalar, leafIn, listIn, placeIn, recordIn, refIn, stageIn } from './nodes.ts';
import { at, last } from './present.ts';
import { SCRIPT_TASK } from './program.ts';
import { type ScriptArguments, scriptArgumentsIn } from './script-arguments.ts';
import { type Index, type Node, rootOf, type Table } from './table.ts';

const TEXT_LENGTH_MAX = 60;
const LOCATION_LENGTH_MAX = 40;
const MEMBERS_MAX = 4;
const DEPTH_MAX = 2;
const BRIEF_LENGTH_MAX = 120;

/** The arguments of a call, as between its brackets; of a script the line that tells most, and what it reads and writes. */
export function briefArguments(task: string, args: Table): string {
  const script = task === SCRIPT_TASK ? scriptArgumentsIn(args) : undefined;
  const parts = script
    ? scriptParts(args, script)
    : listed(listIn(rootOf(args)) ?? [], (place) => brief(args, place, 0));
  return cut(parts.join(', ').replace(/\p{Cc}/gu, escaped), BRIEF_LENGTH_MAX);
}

/** Names of files and fields may hold line ends, too: the text is one line. */
function escaped(control: string): string {
  return control === '\n' ? '\\n' : `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The call as it would be written. */
export function briefCall(task: string, given: string): string {
  return `${task}(${given})`;
}

function brief(table: Table, index: Index, depth: number): string {
  const node = at(table, index);
  if (typeof node === 'string') return quoted(node);
  if (isScalar(node)) return String(node);
  const inner = (child: Index) => (depth < DEPTH_MAX ? brief(table, child, depth + 1) : '…');
  switch (node[0]) {
    case 'list':
      return `[${listed(node[1], inner).join(', ')}]`;
    case 'set':
      return `Set [${listed(node[1], inner).join(', ')}]`;
    case 'record':
      return recordText(node[1], node[2], inner);
    case 'map':
      return `Map of ${node[1].length}`;
    case 'file':
    case 'dir':
      return location(node[1]);
    case 'place':
      return location(node[2]);
    case 'stage':
    case 'quote':
      return brief(table, node[1], depth);
    case 'stdout':
      return 'stdout';
    case 'undefined':
      return 'undefined';
    case 'number':
      return node[1];
    case 'bigint':
      return `${cut(node[1], TEXT_LENGTH_MAX)}n`;
    case 'task':
      return node[1];
    case 'error':
      return `${node[1]}(${quoted(node[3])})`;
    case 'ref':
      return `<${node[2]} bytes of JSON>`;
    case 'date':
    case 'bytes':
    case 'call':
    case 'op':
    case 'form':
      return `<${node[0]}>`;
  }
}

function recordText(keys: readonly string[], values: readonly Index[], inner: (child: Index) => string): string {
  const fields = listed([...keys.keys()], (place) => {
    const key = at(keys, place);
    return `${cut(key, TEXT_LENGTH_MAX)}: ${SECRET_NAME.test(key) ? '…' : inner(at(values, place))}`;
  });
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** The first members, and how many more there are. */
function listed<T>(members: readonly T[], show: (member: T) => string): string[] {
  const shown = members.slice(0, MEMBERS_MAX).map(show);
  const more = members.length - shown.length;
  return more > 0 ? [...shown, `… ${more} more`] : shown;
}

function scriptParts(args: Table, { text, inputs, outputs }: ScriptArguments<Index>): string[] {
  return [scriptText(at(args, text)), ...placesText('in', args, inputs), ...placesText('out', args, outputs)];
}

function scriptText(source: Node): string {
  if (typeof source === 'string') return briefScript(source);
  // Its text is elsewhere: whoever has the store can put the line in.
  const large = refIn(source);
  return large ? `<script ${large.hash}>` : '<script>';
}

/** A long script in what `briefArguments` gives, by its hash. */
export const LONG_SCRIPT = /<script ([0-9a-f]{40})>/g;

/** A script by its line that tells most. */
export function briefScript(text: string): string {
  return quoted(tellingLine(text));
}

/** The first line that does something: not the interpreter, a comment, or a setting of the shell. */
function tellingLine(text: string): string {
  const lines = text
    .slice(0, 2000)
    .split('\n')
    .map((line) => line.trim());
  return lines.find((line) => line !== '' && !line.startsWith('#') && !/^set\s/.test(line)) ?? '';
}

/** Nodes of a script's inputs or outputs that are looked through for the first location. */
const NODES_LOOKED_AT = 100;

function placesText(word: string, args: Table, root: Index): string[] {
  const locations: string[] = [];
  const pending = [root];
  for (let seen = 0; pending.length > 0 && seen < NODES_LOOKED_AT; seen++) {
    const node = at(args, last(pending));
    pending.pop();
    const found = leafIn(node) ?? placeIn(node);
    if (found) locations.push(found.location);
    else pending.push(...insideOf(node).slice(0, NODES_LOOKED_AT).reverse());
  }
  const [first, ...others] = locations;
  if (first === undefined) return [];
  return [`${word} ${location(first)}${others.length > 0 ? ` and ${others.length} more` : ''}`];
}

/** The parts of what may hold files and places, in a script's inputs and outputs. */
function insideOf(node: Node): readonly Index[] {
  const stage = stageIn(node);
  return stage ? [stage.source] : (listIn(node) ?? recordIn(node)?.values ?? []);
}

const SECRET_WORD = '(?:secret|passw|passphrase|token|(?:api|access|private)[_-]?key|credential|signature)';
const SECRET_NAME = new RegExp(SECRET_WORD, 'i');
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // The user of an address.
  [/(\/\/)[^/\s@]+@/g, '$1…@'],
  // `--password x`, `PASSWORD=x`, `"token": "x"`, `?X-Amz-Signature=x`.
  [new RegExp(`(-[\\w-]*${SECRET_WORD}[\\w-]*\\s+)[^\\s-]\\S*`, 'gi'), '$1…'],
  [new RegExp(`(${SECRET_WORD}[\\w-]*["']?\\s*[=:]\\s*)("[^"]*"?|'[^']*'?|[^\\s&;,]+)`, 'gi'), '$1…'],
  [/(\bBearer\s+)\S+/gi, '$1…'],
];

/** Texts are cut before they are looked through, at a length that leaves no half of a secret behind. */
const LOOKED_THROUGH = 400;

function withoutSecrets(text: string): string {
  return SECRETS.reduce((kept, [secret, instead]) => kept.replace(secret, instead), text.slice(0, LOOKED_THROUGH));
}

function quoted(text: string): string {
  return JSON.stringify(cut(withoutSecrets(text), TEXT_LENGTH_MAX));
}

/** The end of a location tells files apart. */
function location(text: string): string {
  const path = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? withoutSecrets(text).split('?', 1).join('') : text;
  return path.length > LOCATION_LENGTH_MAX ? `…${path.slice(1 - LOCATION_LENGTH_MAX).toWellFormed()}` : path;
}

function cut(text: string, lengthMax: number): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax - 1).toWellFormed()}…` : text;
}
