/** Images as far as a machine without Docker can have them: folders that become the root of a namespace of their own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildRunner } from '../../docker/runner/build.ts';

const DOCKER = join(import.meta.dirname, '../../docker');

/** Why nothing can be tried here, in a few words; undefined when it can. */
export function missing(): string | undefined {
  const programs = ['patchelf', 'chroot', 'unshare'].filter((name) => spawnSync('which', [name]).status !== 0);
  const files = ['/bin/bash-static', '/bin/busybox'].filter((path) => !existsSync(path));
  const lacking = [...programs, ...files];
  if (lacking.length > 0) return `there is no ${lacking.join(', no ')} here`;
  const isolated = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']);
  return isolated.status === 0 ? undefined : 'this user may make no namespaces';
}

/** What `make base` puts at /opt/redex, in a folder that is removed by whoever asked for it. */
export async function assembled(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redex-image-'));
  await buildRunner(join(folder, 'dist'));
  const node = realpathSync(process.execPath);
  const env = { ...process.env, NODE: node };
  execFileSync(join(DOCKER, 'assemble.sh'), [join(folder, 'dist'), join(folder, 'redex')], { env, stdio: 'pipe' });
  return folder;
}

export interface Root {
  readonly folder: string;
  /** The words that start the runner in there, as this user. */
  program(user: number): readonly string[];
  remove(): Promise<void>;
}

/** What every container has, whatever its image: /proc, a few devices, a /tmp for all. */
const ENTER = `set -e
root=$1 user=$2
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
for folder in usr etc; do [ ! -d "$root/$folder" ] || [ -n "$(ls -A "$root/$folder")" ] || mount --bind -o ro "/$folder" "$root/$folder"; done
chown -R "$user:$user" "$root/tmp"
exec chroot --userspec="$user:$user" "$root" /opt/redex/node /opt/redex/runner.mjs`;

async function emptyRoot(runner: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redex-root-'));
  await chmod(folder, 0o755);
  for (const name of ['proc', 'dev', 'tmp', 'opt']) await mkdir(join(folder, name));
  await chmod(join(folder, 'tmp'), 0o1777);
  await cp(join(runner, 'redex'), join(folder, 'opt/redex'), { recursive: true });
  return folder;
}

function rootAt(folder: string): Root {
  return {
    folder,
    program: (user) => [
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      'sh',
      '-c',
      ENTER,
      'enter',
      folder,
      String(user),
    ],
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Debian, whose slim image the base image is built on, as this machine has it: but for what is at /opt. */
export async function debianRoot(runner: string): Promise<Root> {
  const folder = await emptyRoot(runner);
  for (const name of ['usr', 'etc']) await mkdir(join(folder, name));
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) await symlink(`usr/${name}`, join(folder, name));
  return rootAt(folder);
}

/** An image that has no libc, no bash and no mkfifo: one static program. */
export async function busyboxRoot(runner: string): Promise<Root> {
  const folder = await emptyRoot(runner);
  await mkdir(join(folder, 'bin'));
  await copyFile('/bin/busybox', join(folder, 'bin/busybox'));
  for (const name of ['sh', 'cat', 'tr', 'ls', 'sleep', 'env', 'id'])
    await symlink('busybox', join(folder, 'bin', name));
  // Images set it for their own tools; what lies there is no library.
  await mkdir(join(folder, 'lib'));
  await writeFile(join(folder, 'lib/libc.so.6'), 'of another system');
  return rootAt(folder);
}
