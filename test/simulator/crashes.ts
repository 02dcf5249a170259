/** Crash at the first I/O, at the second, … to the last; and again at every I/O of the recovery. */
import type { Fault, FaultKind, Faults, Site } from './faults.ts';
import { type History, type Scenario, simulate } from './simulate.ts';
import { WORKFLOWS, type Workflow, workflowOf } from './workflows.ts';

/** How a process ends at a call of a port, before it takes effect or after. A runner's machine goes with it. */
const CRASHES: Readonly<Partial<Record<Site, readonly [FaultKind, FaultKind]>>> = {
  handler: ['crash-before', 'crash-after'],
  append: ['crash-before', 'crash-after'],
  submit: ['crash-before', 'crash-after'],
  runner: ['lost-before', 'lost-after'],
};

export interface CrashReport {
  /** Histories played. */
  readonly played: number;
  /** Most I/Os of one history. */
  readonly calls: number;
  readonly failures: readonly { readonly plan: readonly Fault[]; readonly violation: string }[];
}

export interface CrashOptions {
  /** A second crash at every I/O that follows the first: before and after its effect in turn, or both ways. */
  readonly second: 'none' | 'in turn' | 'both';
  /** ms after the start. */
  readonly cancelAt?: number;
}

function scenarioFor(workflow: Workflow, { cancelAt }: CrashOptions): Scenario {
  return {
    workflow,
    environments: 2,
    retries: workflow.repaired !== undefined,
    intensity: 0,
    ...(cancelAt !== undefined && { cancelAt }),
  };
}

function crashesAfter({ sites }: Faults, point: number): Fault[] {
  return sites.flatMap((site, at) =>
    at > point ? (CRASHES[site] ?? []).map((kind): Fault => ({ point: at, site, kind })) : [],
  );
}

export async function crashEverywhere(workflow: Workflow, options: CrashOptions): Promise<CrashReport> {
  const scenario = scenarioFor(workflow, options);
  const failures: { plan: readonly Fault[]; violation: string }[] = [];
  let played = 0;
  const play = async (plan: readonly Fault[]): Promise<History> => {
    const history = await simulate({ seed: 1, scenario, plan });
    played++;
    if (history.violation) failures.push({ plan, violation: history.violation });
    return history;
  };
  const undisturbed = await play([]);
  const first = crashesAfter(undisturbed.faults, -1);
  for (const crash of first) {
    const history = await play([crash]);
    if (options.second === 'none') continue;
    for (const [at, second] of crashesAfter(history.faults, crash.point).entries()) {
      const isTurn = at % 2 === (crash.point + (at >> 1)) % 2;
      if (options.second === 'both' || isTurn) await play([crash, second]);
    }
  }
  return { played, calls: first.length / 2, failures };
}

/** The workflows whose histories are short enough for two crashes each. */
export const SMALLEST = ['single', 'inline', 'catch', 'contexts at once', 'failing', 'contexts in turn'].map(
  workflowOf,
);

/** All but the longest, whose hundreds of calls are more of the same. */
export const CORPUS = WORKFLOWS.filter(({ name }) => name !== 'long');
