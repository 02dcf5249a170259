/** A workflow of steps that take a second each, one after another. */

export const WORKFLOW = `
import { file, script, task, v } from 'redex';

export const main = task('e2e.main', { params: v.object({ name: v.string(), steps: v.number() }) }, ({ name, steps }) =>
  step(name, steps),
);

const step = task('e2e.step', {}, (name: string, left: number, before = '') =>
  left === 0 ? before : step(name, left - 1, pause(name, left, before)),
);

const pause = task('e2e.pause', {}, (name: string, left: number, before: string) =>
  script(\`sleep 0.5; (sleep 0.5 & wait); echo "\${before.trim()} \${name}\${left}"\`, { executor: 'batch' }),
);

// More than any machine has: each runs alone, and the others wait in the queue.
export const wide = task('e2e.wide', { params: v.object({ names: v.array(v.string()) }) }, ({ names }) =>
  names.map((name) => script(\`trap '' TERM; sleep 1; echo \${name}\`, { executor: 'batch', vcpus: 4096 })),
);
`;

export const STEPS = 3;

/** Its words; the result names the steps, the last one first. */
export function command(name: string): string[] {
  return ['run', 'main', '--name', name, '--steps', String(STEPS), '--json'];
}
