/** `redex doctor`: what is right with a laptop or a stack, what is wrong, and what to do; a line a check. */
import { coloursFor } from '../colours.ts';
import { type CheckResult, summaryOf } from '../doctor/checks.ts';
import type { Where } from '../session/where.ts';
import { shown } from '../terminal.ts';

interface DoctorOptions {
  readonly profile?: string | undefined;
  readonly json: boolean;
  /** Version of redex. */
  readonly version: string;
}

/** Gives the exit code: 1 when something is wrong. */
export async function doctorCommand({ root, stack }: Where, options: DoctorOptions): Promise<number> {
  const { json, version, profile } = options;
  const checks = await (stack === undefined ? laptop(root, version, profile) : stackOf(stack, version));
  const { stdout } = process;
  if (json) stdout.write(`${JSON.stringify({ checks })}\n`);
  else stdout.write(`${linesOf(checks, stdout).join('\n')}\n`);
  return checks.some(({ status }) => status === 'wrong') ? 1 : 0;
}

async function stackOf(name: string, version: string): Promise<CheckResult[]> {
  const [{ lookAtStack }, { stackChecks }] = await Promise.all([
    import('../doctor/stack.ts'),
    import('../doctor/stack-checks.ts'),
  ]);
  return stackChecks(await lookAtStack(name, version));
}

async function laptop(root: string, redex: string, profile: string | undefined): Promise<CheckResult[]> {
  const [{ lookAtLaptop }, { laptopChecks }] = await Promise.all([
    import('../doctor/laptop.ts'),
    import('../doctor/laptop-checks.ts'),
  ]);
  return laptopChecks(await lookAtLaptop({ root, profile, redex }));
}

const COLOURS = { right: 'green', wrong: 'red', unknown: 'yellow' } as const;
const STATUS_WIDTH = 'unknown'.length;

function linesOf(checks: readonly CheckResult[], stream: NodeJS.WriteStream): string[] {
  const colours = coloursFor(stream);
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, status, said, advice }) => {
    const told = shown(advice === undefined ? said : `${said}: ${advice}`, stream);
    return `${colours[COLOURS[status]](status.padEnd(STATUS_WIDTH))}  ${name.padEnd(width)}  ${told}`;
  });
  return [...lines, '', summaryOf(checks)];
}
