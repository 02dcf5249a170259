/** What an operator reads: lines of the log, and the metrics that CloudWatch makes of them. */

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { add, task, v } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { makeCancel } from '../../functions/cancel.ts';
import type { Invocation } from '../../functions/invocation.ts';
import { type Log, logOf } from '../../functions/log.ts';
import { NAMESPACE, UNITS } from '../../functions/metrics.ts';
import { makeRetry } from '../../functions/retry.ts';
import { makeStart } from '../../functions/start.ts';
import { makeSweep } from '../../functions/sweep.ts';
import { queueBatch, stateChange, wakeUp } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playJobs, playWorld, start } from '../support/play.ts';

const ROOT = join(import.meta.dirname, '../..');

const heavy = task('l.heavy', { version: '1', executor: 'batch' }, (n: number) => n * 10);
const keyed = task('l.keyed', { version: '1', executor: 'batch' }, (key: string) => `${key}, too`);
task('l.main', { version: '1', params: v.object({ key: v.string() }) }, ({ key }) => keyed(key));

type Line = Readonly<Record<string, unknown>>;

let written: MockInstance<typeof process.stderr.write>;
let log: Log;
let invocation: Invocation;

beforeEach(() => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'INFO');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('AWS_LAMBDA_INITIALIZATION_TYPE', 'on-demand');
  // Of its own for each test: it knows which invocation was its first.
  log = logOf({ REDEX_STACK: 'seen' });
  invocation = { awsRequestId: 'request-1', functionName: 'redex-dev-advance', log };
  written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function writtenText(): string {
  return written.mock.calls.map(([text]) => String(text)).join('');
}

/** Each line is JSON, whatever it tells of. */
function lines(text = writtenText()): Line[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

function roundLines(): Line[] {
  return lines().filter(({ message }) => message === 'a round');
}

/** All that CloudWatch takes for a unit. Source: the API reference of PutMetricData, MetricDatum. */
const CLOUDWATCH_UNITS =
  /^(Seconds|Microseconds|Milliseconds|((Kilo|Mega|Giga|Tera)?(bytes|bits)|Bytes|Bits)(\/Second)?|Percent|Count(\/Second)?|None)$/i;

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
}

/** What CloudWatch makes of a line, by the specification of its embedded metric format; a line that it passes over: none. */
function metricsOf(line: Line): Line[] {
  const { _aws: aws } = line as { _aws?: { Timestamp: number; CloudWatchMetrics: readonly Directive[] } };
  if (aws === undefined) return [];
  expect(Math.abs(aws.Timestamp - Date.now())).toBeLessThan(3_600_000);
  return aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.map((names) => {
      const dimensions = names.map((name) => [name, line[name]] as const);
      for (const [, value] of dimensions) expect(value).toEqual(expect.stringMatching(/./));
      for (const { Name, Unit } of Metrics) {
        expect(line[Name]).toEqual(expect.any(Number));
        expect(Unit).toMatch(CLOUDWATCH_UNITS);
      }
      const values = Metrics.map(({ Name, Unit }) => [Name, [line[Name], Unit]]);
      return { Namespace, ...Object.fromEntries(dimensions), ...Object.fromEntries(values) };
    }),
  );
}

/** Another round of the run is first, of one of the events alone, when it is about to be recorded. */
function losingRace(world: MemoryWorld, run: RunId, report: Parameters<typeof round>[2]): World {
  const other: World = { ...world, warm: warmGraphs(1), sender: { id: 'other', exclusive: false } };
  let isLost = false;
  return {
    ...world,
    journal: {
      ...world.journal,
      async append(entry) {
        if (entry.run === run && !isLost) {
          isLost = true;
          await round(other, run, report);
        }
        return await world.journal.append(entry);
      },
    },
  };
}

describe('the log', () => {
  it('tells of every round which run and entry it was, and one line of metrics sums up the invocation', async () => {
    const world = playWorld();
    const one = await start(world, heavy(add(heavy(1), heavy(2))), { run: 'one' });
    const two = await start(world, heavy(heavy(3)), { run: 'two' });
    for (const run of [one, two]) await round(world, run);
    const reports = await playJobs(world);
    const now = world.clock.now();
    const events = reports.map((report, at) => ({ event: stateChange(report), sentAt: now - 5_000 * (at + 1) }));
    // Of the first run in the batch, what another round left to do; then the second one's.
    const [first] = reports;
    const racing = losingRace(world, one, first ? [first] : []);
    world.batch.answerNext({ kind: 'accepted', id: 'job-9' });
    world.batch.answerNext({ kind: 'throttled' });
    await makeAdvance(() => racing)(queueBatch(events), invocation);

    const common = { level: 'INFO', message: 'a round', service: 'seen', function_request_id: 'request-1' };
    expect(roundLines()).toMatchObject([
      { ...common, run: 'one', round: 1, status: 'RUNNING', submitted: 1, conflicts: 1, throttled: 0 },
      { ...common, run: 'two', round: 2, status: 'RUNNING', submitted: 0, conflicts: 0, throttled: 1 },
    ]);
    for (const line of roundLines()) {
      const entries = await world.journal.readAfter(line.run as RunId, 0);
      expect(line.sequence).toBe(entries.length);
      expect(line).toMatchObject({ appended: expect.any(Number), durationMs: expect.any(Number), cold_start: true });
      expect(new Date(String(line.timestamp)).toISOString()).toBe(line.timestamp);
    }
    expect(lines().flatMap(metricsOf)).toEqual([
      {
        Namespace: 'redex',
        stack: 'seen',
        rounds: [2, 'Count'],
        conflicts: [1, 'Count'],
        submissions: [1, 'Count'],
        throttles: [1, 'Count'],
        oldestEvent: [15_000, 'Milliseconds'],
      },
    ]);
  });

  it('tells invocations apart, and which of them was the first of its environment', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1), { run: 'one' });
    const advance = makeAdvance(() => world);
    for (const awsRequestId of ['a', 'b']) await advance(wakeUp('test', run), { ...invocation, awsRequestId });
    expect(roundLines()).toMatchObject([
      { function_request_id: 'a', cold_start: true, function_name: 'redex-dev-advance' },
      { function_request_id: 'b', cold_start: false },
    ]);
  });

  it('has a line of metrics of every function that takes rounds, also where it took none', async () => {
    const world = playWorld();
    const open = () => world;
    const run = await start(world, heavy(1), { run: 'one' });
    const bundle = digest('test', 'bundle');
    await makeStart(open, () => Promise.resolve(bundle))({ workflow: 'l.main', args: { key: 'x' } });
    await makeCancel(open)({ run });
    expect(lines().flatMap(metricsOf)).toEqual([]);
    await makeAdvance(open)(wakeUp('test', run));
    await makeSweep(open)({});
    await makeRetry(open)({ run: 'none' });
    const metrics = lines().flatMap(metricsOf);
    expect(metrics).toHaveLength(3);
    expect(metrics[2]).toMatchObject({ rounds: [0, 'Count'] });
    expect(metrics[2]).not.toHaveProperty('oldestEvent');
  });

  it('holds no argument, value or secret, whatever goes wrong', async () => {
    const SECRET = 'kept-to-itself';
    const world = playWorld();
    const open = () => world;
    const startRun = makeStart(open, () => Promise.resolve(digest('test', 'bundle')));
    const { run } = (await startRun({ workflow: 'l.main', args: { key: SECRET }, run: 'one' })) as { run: RunId };
    await startRun({ workflow: 'l.main', args: { key: [SECRET] } });
    await startRun({ workflow: 'l.main', args: { key: SECRET }, tags: { of: SECRET }, run: 'two' });
    for (const one of [run, 'two']) await makeAdvance(open)(wakeUp('test', one));
    const reports = await playJobs(world);
    const failing: World = {
      ...world,
      cache: { ...world.cache, write: () => Promise.reject(new Error('no database')) },
    };
    const batch = queueBatch(reports.map((report) => ({ event: stateChange(report) })));
    await makeAdvance(() => failing)(batch);
    await makeSweep(() => failing)({});
    await makeAdvance(open)(batch);
    await expect(makeAdvance(() => failing)({ event: SECRET })).resolves.toBeDefined();
    expect(JSON.stringify(await world.summaries.get(run))).toContain(`${SECRET}, too`);
    expect(lines().some(({ level }) => level === 'ERROR')).toBe(true);
    expect(roundLines().length).toBeGreaterThan(3);
    expect(writtenText()).not.toContain(SECRET);
  });
});

describe('alarms and README', () => {
  const patterns = [
    ...readFileSync(join(ROOT, 'stack/alarms.yml'), 'utf8').matchAll(/FilterPattern: '\{ \$\.message = "(.*)" \}'/g),
  ].map(([, message]) => message);

  it('look for what is logged when jobs cannot be submitted', async () => {
    const world = playWorld();
    const denied = { kind: 'denied', reason: 'ExpiredToken: expired' } as const;
    const run = await start(world, heavy(1), { run: 'one' });
    world.batch.answerNext(denied);
    await makeAdvance(() => world)(wakeUp('test', run));
    world.clock.advance(120_000);
    world.batch.answerNext(denied);
    await makeSweep(() => world)({});
    const errors = lines().filter(({ level }) => level === 'ERROR');
    expect(errors.map(({ message }) => message)).toEqual(patterns);
    expect(errors[0]).toMatchObject({ run: 'one', reason: denied.reason });
    expect(errors[1]).toMatchObject({ failure: `one: ${denied.reason}` });
  });

  it('name the metrics as they are called', () => {
    const namespaces = readFileSync(join(ROOT, 'stack/alarms.yml'), 'utf8').matchAll(/Namespace: ([a-z]\w*)/g);
    expect(new Set([...namespaces].map(([, name]) => name))).toEqual(new Set([NAMESPACE]));
    const [, table = ''] = readFileSync(join(ROOT, 'README.md'), 'utf8').split(`| metrics, in \`${NAMESPACE}\``);
    const named = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(named).toEqual(Object.keys(UNITS));
  });

  it('name the fields of a line as they are called', async () => {
    const world = playWorld();
    await makeAdvance(() => world)(wakeUp('test', await start(world, heavy(1), { run: 'one' })), invocation);
    const rows = readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(
      /^\| (in every line|`"message":"a round"`) \| (.*) \|$/gm,
    );
    const named = [...rows].flatMap(([, , row = '']) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(named.sort()).toEqual(Object.keys(roundLines()[0] ?? {}).sort());
  });
});

describe('in a local cloud, the log', () => {
  it('is a file for its user alone, and nothing is said on the terminal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redex-log-'));
    const file = join(folder, 'log.jsonl');
    const local = logOf({ REDEX_LOG: file });
    const out = vi.spyOn(process.stdout, 'write');
    const world = playWorld();
    const run = await start(world, heavy(1), { run: 'one' });
    await makeAdvance(() => world)(queueBatch([{ event: wakeUp('test', run), sentAt: 0 }]), {
      ...invocation,
      log: local,
    });
    local.error('as an example');
    expect(lines(readFileSync(file, 'utf8')).map(({ message }) => message)).toEqual(['a round', 'as an example']);
    expect(readFileSync(file, 'utf8')).not.toMatch(/_aws|request-1/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect([written.mock.calls, out.mock.calls]).toEqual([[], []]);
    rmSync(folder, { recursive: true });
  });

  it('throws nothing on a full disk, and says on the terminal what it could not write of errors', () => {
    const full = logOf({ REDEX_LOG: '/dev/full' });
    full.info('a round');
    expect(writtenText()).toBe('');
    full.error('a round failed');
    expect(writtenText()).toBe('a round failed; there is no writing to /dev/full\n');
  });
});
