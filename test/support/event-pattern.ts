/**
 * Whether EventBridge delivers an event by a rule's pattern, as far as our rules go: exact values, `prefix`, `exists`, `$or`.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html. Throws for what it does not know.
 */
export function matches(pattern: Readonly<Record<string, unknown>>, event: unknown): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    if (key === '$or') return (wanted as Record<string, unknown>[]).some((one) => matches(one, event));
    const found = isRecord(event) ? event[key] : undefined;
    return Array.isArray(wanted) ? wanted.some((one) => matchesValue(one, found)) : matches(recordOf(wanted), found);
  });
}

function matchesValue(wanted: unknown, found: unknown): boolean {
  if (!isRecord(wanted)) return wanted === found;
  const [[kind, operand] = [], ...more] = Object.entries(wanted);
  if (more.length === 0 && kind === 'prefix' && typeof operand === 'string')
    return typeof found === 'string' && found.startsWith(operand);
  if (more.length === 0 && kind === 'exists') return (found !== undefined) === operand;
  throw new Error(`a pattern that is not understood: ${JSON.stringify(wanted)}`);
}

function recordOf(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new Error(`a pattern that is not understood: ${JSON.stringify(value)}`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
