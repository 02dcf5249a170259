/** Jobs in their image, where there is a Docker. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Container } from './records.ts';

/** A Docker that takes longer to answer is as good as none. */
const ANSWER_MS_MAX = 5000;

/** Whether there is a `docker` whose daemon answers. */
export async function dockerAnswers(environment: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await promisify(execFile)('docker', ['version'], { env: environment, timeout: ANSWER_MS_MAX });
    return true;
  } catch {
    return false;
  }
}

export interface DockerRun {
  readonly name: string;
  readonly image: string;
  readonly container: Container;
  /** Folders that the job sees under the names they have here. */
  readonly folders: readonly string[];
  /** Names of variables; their values are taken from docker's own environment, so that `ps` does not show them. */
  readonly variables: readonly string[];
}

/** The words after `docker`. The image's entry point is the runner, which reads the rest from its environment. */
export function dockerRunArguments(run: DockerRun): string[] {
  const user = process.getuid?.();
  return [
    'run',
    '--rm',
    '--init',
    '-i',
    ...['--name', run.name],
    // Files the job writes are to be the user's, not root's.
    ...(user ? ['--user', `${user}:${process.getgid?.() ?? user}`] : []),
    ...run.folders.flatMap((folder) => ['-v', `${folder}:${folder}`]),
    ...run.variables.flatMap((name) => ['-e', name]),
    ...['--cpus', String(run.container.vcpus)],
    ...['--memory', `${run.container.memoryMiB}m`],
    run.image,
    ...run.container.command,
  ];
}

/** Removes containers by force: killing their `docker run` would leave them running. */
export async function removeContainers(names: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  if (names.length === 0) return;
  await promisify(execFile)('docker', ['rm', '-f', ...names], { env: environment, timeout: ANSWER_MS_MAX }).catch(
    // They are gone already, or Docker is.
    () => undefined,
  );
}

/** Codes with which `docker run` itself exits: the daemon refused, the command cannot be run, or is not there. */
const DOCKER_EXIT_CODES = [125, 126, 127];

/** Why Docker did not get a job started, as AWS Batch would word it; undefined when it was the job that ended so. */
export function dockerTrouble(exitCode: number | undefined, log: string): string | undefined {
  if (exitCode === undefined || !DOCKER_EXIT_CODES.includes(exitCode)) return undefined;
  const lines = readFileSync(log, 'utf8').split('\n');
  const said = lines.findLast((line) => line.startsWith('docker: '));
  if (said === undefined) return undefined;
  const pulling = lines.some((line) => line.startsWith('Unable to find image'));
  return `${pulling ? 'CannotPullContainerError' : 'CannotStartContainerError'}: ${said.slice('docker: '.length)}`;
}
