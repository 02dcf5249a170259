/** The runner as a simulated process: what docker/runner does between its claim and its record, in the same order. */
import { readSpec } from '../../core/engine/manifest.ts';
import { loadLarge, putLarge } from '../../core/engine/objects.ts';
import type { Attempts, Host, Objects, Outcome } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { spill } from '../../core/values/contents.ts';

export const REFUSED = 97;

export interface RunnerPorts {
  readonly objects: Objects;
  readonly attempts: Attempts;
  readonly host: Host;
  /** The work takes its time. */
  work(): Promise<void>;
  stageOut(spec: JobSpec): Promise<void>;
}

/** Gives the exit code. */
export async function runJob(
  ports: RunnerPorts,
  key: string,
  index: number | undefined,
  holder: string,
): Promise<number> {
  const { objects, attempts, host } = ports;
  const spec = await readSpec(objects, key, index ?? 0);
  const token = [spec.run, spec.eval, spec.attempt, holder] as const;
  if ((await attempts.claim(...token)) === 'refused') return REFUSED;
  const args = await loadLarge(objects, spec.args);
  await ports.work();
  const result = await host.run(spec.bundle, spec.task, args);
  if (!(await attempts.holds(...token))) return REFUSED;
  if (result.ok) await ports.stageOut(spec);
  const { table, large } = spill(result.ok ? result.table : result.error);
  await putLarge(objects, large);
  const outcome: Outcome = result.ok
    ? { ok: true, expression: table, measured: {} }
    : { ok: false, error: table, measured: {} };
  if ((await attempts.finish(...token, outcome)) === 'refused') return REFUSED;
  return result.ok ? 0 : 1;
}
