/**
 * Keeps the values of a job's secrets out of whatever the runner writes: log, error, trace, result. A value is known in
 * the spellings that programs write by themselves; what a script makes of it on purpose is not.
 */

/** Shorter parts stand everywhere, and tell nothing. */
const HIDDEN_LENGTH_MIN = 4;
/** Bash writes these, and what is around them, in ways of its own. */
const REWRITTEN = /['\\\p{Cc}\P{ASCII}]/u;
/** Of base64: fewer characters come up by chance. */
const BASE64_LENGTH_MIN = 8;
/** What `base64` and `openssl` break lines at. */
const BASE64_LINES = [76, 64];

export interface JobSecrets {
  /** By the name that scripts and functions have them under. */
  readonly variables: Readonly<Record<string, string>>;
  /** Why the job cannot have them; undefined when it can. */
  readonly problem: string | undefined;
  /** The text with `$NAME` for the value of a secret, and for parts of it. */
  hide(text: string): string;
  /** The same for what comes in pieces. */
  stream(): HidingStream;
  /** The name of a secret whose whole value is in the text. */
  heldIn(text: string): string | undefined;
}

/** Holds back what may be the beginning of a secret. */
export interface HidingStream {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Texts are of bytes here, a character each. */
interface Spelling {
  readonly text: string;
  readonly name: string;
}

export function secretsOf(variables: Readonly<Record<string, string>>): JobSecrets {
  const whole = spellings(variables, wholeSpellings);
  const all = [...whole, ...spellings(variables, parts)].sort((a, b) => b.text.length - a.text.length);
  const names = new Map(all.toReversed().map(({ text, name }) => [text, name]));
  const pattern = all.length > 0 ? new RegExp(all.map(({ text }) => RegExp.escape(text)).join('|'), 'g') : undefined;
  const hideBytes = (text: string): string =>
    pattern ? text.replace(pattern, (found) => `$${names.get(found)}`) : text;
  const short = Object.entries(variables).find(([, value]) => value.length < HIDDEN_LENGTH_MIN)?.[0];
  return {
    variables,
    problem:
      short && `the secret ${short} has fewer than ${HIDDEN_LENGTH_MIN} characters: it could not be kept out of logs`,
    hide: (text) => (pattern ? fromBytes(hideBytes(toBytes(text))) : text),
    stream: () => hidingStream(all, pattern, hideBytes),
    heldIn: (text) => {
      const bytes = whole.length > 0 ? toBytes(text) : '';
      return whole.find((spelling) => bytes.includes(spelling.text))?.name;
    },
  };
}

function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function fromBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function spellings(variables: JobSecrets['variables'], spell: (value: string) => readonly string[]): Spelling[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    [...new Set(spell(value))]
      .filter((text) => text.length >= HIDDEN_LENGTH_MIN)
      .map((text) => ({ text: toBytes(text), name })),
  );
}

function wholeSpellings(value: string): string[] {
  const written = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())];
  return [...written, ...shellSpellings(value), ...base64Spellings(value)];
}

/** As bash writes it in double quotes, in single ones, and in none. */
function shellSpellings(value: string): string[] {
  return [
    value.replace(/["$`\\]/g, '\\$&'),
    value.replaceAll("'", "'\\''"),
    // Whether a comma is among them depends on its version.
    value.replace(/(?![\w@%+=:,./-])[ -~]/g, '\\$&'),
    value.replace(/(?![\w@%+=:./-])[ -~]/g, '\\$&'),
  ];
}

/** At each of the three places it may begin at in what is encoded. */
function base64Spellings(value: string): string[] {
  return [0, 1, 2]
    .map((before) => base64(value, before))
    .filter((text) => text.length >= BASE64_LENGTH_MIN)
    .flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** The characters that the value alone decides, where `before` bytes come first. */
function base64(value: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
  return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.byteLength * 8) / 6));
}

/** The parts of a value that bash does not rewrite, and its lines in base64. */
function parts(value: string): string[] {
  const lines = BASE64_LINES.flatMap(
    (length) => base64(value, 0).match(new RegExp(`.{${BASE64_LENGTH_MIN},${length}}`, 'g')) ?? [],
  );
  return [...value.split(REWRITTEN), ...lines];
}

function hidingStream(
  all: readonly Spelling[],
  pattern: RegExp | undefined,
  hideBytes: (text: string) => string,
): HidingStream {
  let held = '';
  return {
    push(chunk) {
      if (!pattern) return chunk;
      const text = held + chunk.toString('latin1');
      const from = heldFrom(text, all, pattern);
      held = text.slice(from);
      return Buffer.from(hideBytes(text.slice(0, from)), 'latin1');
    },
    end() {
      const last = hideBytes(held);
      held = '';
      return Buffer.from(last, 'latin1');
    },
  };
}

/** From where on the text may become a secret, or a longer one, by what comes next. */
function heldFrom(text: string, all: readonly Spelling[], pattern: RegExp): number {
  const longest = all[0]?.text.length ?? 0;
  let from = Math.max(0, text.length - longest + 1);
  while (from < text.length && !isBeginning(text.slice(from), all)) from += 1;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (index < from && from < index + found.length) return index;
  }
  return from;
}

function isBeginning(text: string, all: readonly Spelling[]): boolean {
  return all.some((spelling) => spelling.text.length > text.length && spelling.text.startsWith(text));
}
