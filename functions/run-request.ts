/** Requests that name a run: `{run}`, or `/runs/{run}/…`. */
import * as v from 'valibot';
import type { RunStatus, RunSummary, World } from '../core/engine/ports.ts';
import type { RoundReport } from '../core/engine/round.ts';
import type { RunId } from '../core/graph/facts.ts';
import type { Answer } from './http.ts';

const RunRequest = v.object({ run: v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,40}$/)) });

function parseRun(event: unknown): RunId | undefined {
  const parsed = v.safeParse(RunRequest, event);
  return parsed.success ? (parsed.output.run as RunId) : undefined;
}

export function refusal(statusCode: 400 | 404 | 409, problem: string): Answer {
  return { statusCode, body: { errors: [problem] } };
}

/** Gives the run's summary to `use`; answers 400 without a run's id, and 404 when there is no such run. */
export async function withRun<W extends Pick<World, 'summaries'>>(
  world: () => W,
  event: unknown,
  use: (world: W, summary: RunSummary) => Promise<Answer> | Answer,
): Promise<Answer> {
  const run = parseRun(event);
  if (!run) return refusal(400, 'run: the id of a run is expected');
  const opened = world();
  const summary = await opened.summaries.get(run);
  return summary ? use(opened, summary) : refusal(404, `there is no run ${run}`);
}

/** What became of a run that was asked to change its course. */
export type CourseAnswer = { readonly run: RunId; readonly status: RunStatus } | { readonly errors: readonly string[] };

/** 202, since what follows takes its time; 409 when the run had not begun, so that nothing could be recorded. */
export function courseAnswer(run: RunId, { status }: RoundReport): Answer {
  if (status === 'unknown') return refusal(409, `run ${run} has not begun: ask again in a moment, or start it again`);
  return { statusCode: 202, body: { run, status } };
}
