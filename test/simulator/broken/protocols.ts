/** The protocol of submission, broken in six ways from outside: ports that lie, and events that say too much. */

import type { JobReport } from '../../../core/engine/executor.ts';
import type { Entry } from '../../../core/engine/ports.ts';
import { jobName, parseJobName } from '../../../core/engine/spec.ts';
import { eachExecutor } from '../../support/executors.ts';
import { type Cloud, STACK } from '../cloud.ts';
import type { Sabotage } from '../handlers.ts';

/** The claim becomes true only after its request was sent. */
const submitsUnclaimed: Sabotage = {
  world: (world) => {
    let held: Entry | undefined;
    const append = async (entry: Entry) => {
      if (entry.facts.some(({ type }) => type === 'claimed')) {
        held = entry;
        return 'appended' as const;
      }
      if (held) await world.journal.append(held);
      held = undefined;
      return await world.journal.append(entry);
    };
    return { ...world, journal: { ...world.journal, append } };
  },
};

/** An overdue claim is sent again though its job may be there. */
const resendsBlindly: Sabotage = {
  world: (world) => ({
    ...world,
    executors: eachExecutor(world.executors, (one) => ({ ...one, find: async () => [] })),
  }),
};

/** Records say nothing before they have an outcome: then whoever ends seems to have held the work. */
const forgetsHolders: Required<Sabotage>['world'] = (world) => ({
  ...world,
  attempts: {
    ...world.attempts,
    read: async (run, evaluations) => {
      const records = await world.attempts.read(run, evaluations);
      return new Map([...records].filter(([, { outcome }]) => outcome));
    },
  },
});

/** What Batch says late of an attempt is applied to the newest one of the same work. */
const appliesLateVerdicts: Sabotage = {
  world: forgetsHolders,
  reports: (reports, cloud) => reports.map((report) => renamed(report, cloud)),
};

function renamed(report: JobReport, { truth }: Cloud): JobReport {
  const name = parseJobName(STACK, report.name);
  const known = name && truth.run(name.run);
  const facts = known?.entries.flatMap((entry) => entry.facts) ?? [];
  const claim = facts.find((fact) => fact.type === 'claimed' && fact.submission === name?.submission);
  const job = claim?.type === 'claimed' ? claim.jobs[report.job.index ?? 0] : undefined;
  const newest = job && known?.draft.graph.works.get(job.eval)?.submission;
  if (!name || !newest || newest === name.submission) return report;
  const jobs = known?.draft.graph.submissions.get(newest)?.jobs ?? [];
  const { submission } = report.job;
  const index = jobs.length > 1 ? { index: jobs.findIndex((one) => one.eval === job.eval) } : {};
  return { ...report, job: { submission, ...index }, name: jobName(STACK, name.run, newest) };
}

/** A job whose claim was refused says SUCCEEDED, and that counts for the work. */
const countsRefusedJobs: Sabotage = { world: forgetsHolders, refusedExitCode: 0 };

/** What was folded for an entry that was not appended stays in the warm graph. */
const keepsLostAppends: Sabotage = {
  world: (world) => ({
    ...world,
    warm: {
      keep: world.warm.keep,
      take: (run) => {
        const live = world.warm.take(run);
        if (live) live.draft.edits.rollback = () => live.draft.edits.commit();
        return live;
      },
    },
  }),
};

/** A cancelled run takes every unanswered claim of another sender for one that can be settled now. */
const cancelsEarly: Sabotage = {
  world: (world, cloud) => ({
    ...world,
    sender: {
      id: world.sender.id,
      get exclusive() {
        return cloud.truth.isCancelling();
      },
    },
  }),
};

export const BROKEN_PROTOCOLS: Readonly<Record<string, Sabotage>> = {
  'submits without a claim': submitsUnclaimed,
  'sends again without a look-up': resendsBlindly,
  'applies a late report of an older attempt': appliesLateVerdicts,
  'counts the end of a job whose claim was refused': countsRefusedJobs,
  'keeps the warm graph of an append that was lost': keepsLostAppends,
  'ends a cancelled run before the deadline of an unanswered claim': cancelsEarly,
};
