/** What a pass of the reducer has at hand, and what it brings to light. */

import type { Fact } from '../graph/facts.ts';
import type { EvalHash, Hash, RunId } from '../values/ids.ts';
import type { Program } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import type { Trust } from './overwritten.ts';
import type { Evaluation, World } from './ports.ts';

/** What a round learned that must be stored before its facts are. */
export interface Findings {
  readonly large: Map<Hash, Table>;
  readonly evaluations: Map<EvalHash, Evaluation>;
}

export interface Meeting {
  /** Only read: what is to be kept goes into the findings. */
  readonly world: Pick<World, 'cache' | 'clock' | 'files' | 'host' | 'objects'>;
  readonly run: RunId;
  readonly program: Program;
  readonly findings: Findings;
  /**
   * Calls whose files could not be seen, and that they fail. To be folded when all else has gone as far as it goes: the
   * failure may stop the run.
   */
  readonly unseen: Map<Hash, Fact>;
  readonly trust: Trust;
  /** ms since the epoch: no more inline tasks are begun from then on; absent: any number is. */
  readonly until?: number;
}
