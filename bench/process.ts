/** A command as a process of its own: what it wrote, how long it took, and what it and all its children used. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** Of the command and of all its children that it has waited for. */
  readonly cpuSeconds: number;
  /** The most memory that any of its processes had at once, by what the process is: its program, and the file it runs. */
  readonly peakMB: Readonly<Record<string, number>>;
}

/** Of the processes that run Node: what they are measured by is not ours. */
export function peaksOf({ peakMB }: Pick<Ran, 'peakMB'>): string {
  const ours = Object.entries(peakMB).filter(([name]) => name.startsWith('node'));
  return ours.map(([name, mb]) => `${name} ${Math.round(mb)} MB`).join(', ');
}

/** How often memory is looked at: a process that is shorter may not be seen. */
const LOOK_MS = 100;

const LIMIT_MS = 300_000;
/** For it to end its own children. */
const GRACE_MS = 15_000;

/** Runs the words. Throws when they fail or do not end in time, with the end of what they wrote. */
export async function timed(
  words: readonly string[],
  { cwd, limitMs = LIMIT_MS }: { readonly cwd: string; readonly limitMs?: number },
): Promise<Ran> {
  const begin = performance.now();
  // `times` says what the children of the shell used, those of theirs that they waited for included.
  const child = spawn('bash', ['-c', '"$@"; code=$?; times >&3; exit $code', 'bash', ...words], {
    cwd,
    // A group of its own, which can be ended as a whole.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const peakMB: Record<string, number> = {};
  const looking = setInterval(() => notePeaks(child.pid ?? 0, peakMB), LOOK_MS);
  const end = (signal: NodeJS.Signals) => child.pid !== undefined && process.kill(-child.pid, signal);
  const late = [setTimeout(end, limitMs, 'SIGTERM'), setTimeout(end, limitMs + GRACE_MS, 'SIGKILL')];
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  try {
    const [, out, err, times] = child.stdio;
    const [stdout, stderr, used] = await Promise.all([textOf(out), textOf(err), textOf(times), code]);
    const seconds = (performance.now() - begin) / 1000;
    if (seconds * 1000 >= limitMs) {
      throw new Error(`${words.join(' ')} did not end within ${limitMs / 1000} s: ${stderr.trim().slice(-2_000)}`);
    }
    if ((await code) !== 0) {
      throw new Error(`${words.join(' ')} ended with ${await code}: ${(stdout + stderr).trim().slice(-2_000)}`);
    }
    return { stdout, stderr, seconds, cpuSeconds: cpuSecondsIn(used), peakMB };
  } finally {
    clearInterval(looking);
    for (const timer of late) clearTimeout(timer);
  }
}

async function textOf(stream: unknown): Promise<string> {
  return stream instanceof Readable ? await text(stream) : '';
}

/** The second line of `times` is that of the children: user and system, as 0m1.234s. */
function cpuSecondsIn(used: string): number {
  const [, children = ''] = used.split('\n');
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

/** Linux alone tells; elsewhere nothing is noted. */
function notePeaks(root: number, peakMB: Record<string, number>): void {
  for (const pid of descendants(root)) {
    const status = read(`/proc/${pid}/status`);
    const [, kB] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? [];
    const words = read(`/proc/${pid}/cmdline`).split('\0');
    const name = [words[0], words.find((word) => /\.(ts|mjs|js|py)$/.test(word))]
      .flatMap((word) => word?.split('/').at(-1) ?? [])
      .join(' ');
    peakMB[name] = Math.max(peakMB[name] ?? 0, Number(kB ?? 0) / 1000);
  }
}

function descendants(root: number): number[] {
  const parents = new Map(
    pids().map((pid) => [pid, Number(/\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1] ?? 0)] as const),
  );
  const found = [root];
  for (const parent of found) for (const [pid, its] of parents) if (its === parent) found.push(pid);
  return found.slice(1);
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
