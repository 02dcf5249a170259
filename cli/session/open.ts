/** Where the functions are that a command calls: in the project's local cloud, or in a stack on AWS. */

import { fileURLToPath } from 'node:url';
import { folderObjects } from '../../core/disk/objects.ts';
import type { Objects } from '../../core/engine/ports.ts';
import { attachOrOpen } from '../../local/attach.ts';
import { seededChaos } from '../../local/chaos.ts';
import type { Cloud } from '../../local/cloud.ts';
import { storeOf } from '../../local/settings.ts';
import { type Client, directClient } from '../client.ts';
import { TYPED_UMASK } from '../umask.ts';
import { loadFunctions } from './functions.ts';
import { refuseForeignState, stateFolder, type Where } from './where.ts';

/** Of the sources, or beside the file of the program that this is linked into. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const RUNNER = fileURLToPath(new URL(IS_SOURCE ? '../../docker/runner/main.ts' : './runner.mjs', import.meta.url));

export interface Session {
  readonly client: Client;
  /** Where bundles are put for runs to find them. */
  readonly objects: Objects;
  /** undefined on AWS, where nothing needs this process. */
  readonly cloud: Cloud | undefined;
  /** Where the functions are, for people. */
  readonly place: string;
  close(): Promise<void>;
}

/** What was lost on purpose is looked for after seconds, not after the minutes that go by before it is worth it on AWS. */
const CHAOS_TIMES = { sweepPeriodMs: 2000, invocationMs: 20_000 };

/** In the project's cloud. */
export interface LocalSession extends Session {
  readonly cloud: Cloud;
}

/** The project's cloud or the stack; `chaos` as `openLocal` has it. */
export function openSession({ root, stack }: Where, warn: (message: string) => void, chaos?: number): Promise<Session> {
  return stack === undefined ? openLocal(root, warn, chaos) : openOnAws(stack);
}

/**
 * The project's cloud, opened here or by way of the process that has it. Opening a cloud carries unfinished runs on.
 * `chaos`: the seed of what goes wrong on purpose.
 */
export async function openLocal(root: string, warn: (message: string) => void, chaos?: number): Promise<LocalSession> {
  const folder = stateFolder(root);
  refuseForeignState(folder);
  const cloud = await attachOrOpen({
    folder,
    root,
    runner: [process.execPath, RUNNER],
    servingRunner: true,
    environment: process.env,
    functions: loadFunctions,
    umask: TYPED_UMASK,
    ...(chaos !== undefined && { ...CHAOS_TIMES, chaos: seededChaos(chaos) }),
    warn,
  });
  return {
    client: directClient(cloud.invoke),
    objects: folderObjects(storeOf(folder)),
    cloud,
    place: `process ${cloud.pid}`,
    close: cloud.close,
  };
}

const onAws = new Map<string, Promise<Session>>();

/** A stack is looked up once, however often a command opens it: nothing of it has to be let go. */
export function openOnAws(name: string): Promise<Session> {
  const opened = onAws.get(name) ?? lookUp(name);
  onAws.set(name, opened);
  return opened;
}

async function lookUp(name: string): Promise<Session> {
  // The SDK is large: whoever needs none is not made to wait for it.
  const [{ openStack }, { objectsOf }] = await Promise.all([
    import('../stack-client.ts'),
    import('../../functions/stored.ts'),
  ]);
  const { stack, client } = await openStack(name);
  return {
    client,
    objects: objectsOf(stack.bucket),
    cloud: undefined,
    place: `the stack ${name}`,
    close: () => Promise.resolve(),
  };
}
