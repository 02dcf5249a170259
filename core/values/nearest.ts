/** Names that were meant when another was written. */

/** Letters two names must share before one of them counts as a part of the other. */
const PART_LENGTH_MIN = 3;

/** `; did you mean 'memory'?`, or nothing when no known name is near. */
export function didYouMean(given: string, known: readonly string[]): string {
  const nearest = nearestOf(given, known);
  return nearest === undefined ? '' : `; did you mean '${nearest}'?`;
}

/** The known name that differs least: by a third of its letters at most, or one that holds the other as a part. */
function nearestOf(given: string, known: readonly string[]): string | undefined {
  const wanted = given.toLowerCase();
  const near = known
    .map((name) => ({ name, edits: editDistance(wanted, name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.name ?? known.find((name) => isPart(wanted, name.toLowerCase()));
}

function isPart(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= PART_LENGTH_MIN && (a.includes(b) || b.includes(a));
}

/** Insertions, deletions, replacements and exchanges of neighbours that make one text of the other. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1));
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(isExchange ? Math.min(least, at(before, j - 2) + 1) : least);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
