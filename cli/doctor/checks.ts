/** What a check comes to, whatever was looked at, and how it reads. Pure. */

export interface CheckResult {
  readonly name: string;
  /** unknown: it could not be looked at. */
  readonly status: 'right' | 'wrong' | 'unknown';
  /** What there is, in one line. */
  readonly said: string;
  /** What to do. */
  readonly advice?: string;
}

/** What was found, or why that could not be looked at. */
export type Observation<T> = { readonly found: T } | { readonly unseen: string };

/** What is wrong, and what to do about it. */
export interface Problem {
  readonly said: string;
  readonly advice: string;
}

/** Of what a compiler or a service says, as much as one line takes. */
const LINE_LENGTH_MAX = 400;

export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX)}…` : line;
}

export function right(name: string, said: string): CheckResult {
  return { name, status: 'right', said };
}

export function wrong(name: string, { said, advice }: Problem): CheckResult {
  return { name, status: 'wrong', said, advice };
}

export function unknown(name: string, why: string): CheckResult {
  return { name, status: 'unknown', said: `could not look: ${why}` };
}

/** What is wrong with something that was looked at; what could not be looked at stays so. */
export function judge<T>(
  seen: Observation<T>,
  problemsOf: (found: T) => readonly (Problem | undefined)[],
): Observation<readonly Problem[]> {
  if ('unseen' in seen) return seen;
  return { found: problemsOf(seen.found).filter((problem) => problem !== undefined) };
}

/**
 * One check of several things: wrong if one of them is, else unknown if one could not be looked at, else right, and then
 * it says so.
 */
export function judged(name: string, parts: readonly Observation<readonly Problem[]>[], said: string): CheckResult {
  const problems = parts.flatMap((part) => ('found' in part ? part.found : []));
  if (problems.length > 0) {
    return wrong(name, {
      said: problems.map((problem) => problem.said).join('; '),
      advice: [...new Set(problems.map(({ advice }) => advice))].join('; '),
    });
  }
  const unseen = parts.flatMap((part) => ('unseen' in part ? [part.unseen] : []));
  return unseen.length > 0 ? unknown(name, [...new Set(unseen)].join('; ')) : right(name, said);
}

/** `3 tables`, `1 table`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** `9 checks: 7 right, 1 wrong, 1 could not be looked at.` */
export function summaryOf(checks: readonly CheckResult[]): string {
  const count = (status: CheckResult['status']) => checks.filter((check) => check.status === status).length;
  const unseen = count('unknown');
  const parts = [
    `${count('right')} right`,
    `${count('wrong')} wrong`,
    ...(unseen > 0 ? [`${unseen} could not be looked at`] : []),
  ];
  return `${counted(checks.length, 'check')}: ${parts.join(', ')}.`;
}
