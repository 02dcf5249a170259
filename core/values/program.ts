/** What a bundle says about itself: its tasks and the configuration it was made with. Plain data, stored beside the bundle. */

import type { Cause } from './causes.ts';
import type { Hash } from './ids.ts';
import { keysOf } from './json.ts';
import type { SecretSources } from './secrets.ts';

/** Options of a job. They live at the executor, the task and the call; the nearest wins. None but `image` enters a hash. */
export interface JobOptions {
  /** Name of an executor of the configuration; 'inline' runs in the reducer. */
  readonly executor?: string;
  /** GiB. */
  readonly memory?: number;
  /** GiB up to which memory grows after OutOfMemory; default: 4 × memory. */
  readonly memoryMax?: number;
  readonly vcpus?: number;
  readonly gpus?: number;
  /**
   * A name whose tag moves (`:latest`) may stand for other tools tomorrow, and nothing that is cached runs again for that:
   * name it by its digest, or give each image a tag of its own.
   */
  readonly image?: string;
  readonly queue?: string;
  /** Of attempts after one that never started or whose machine was lost: on demand, say, where `queue` has Spot machines. */
  readonly fallbackQueue?: string;
  /** ARN of the role the job runs as. */
  readonly role?: string;
  /** Of one attempt; default 24 h. */
  readonly timeoutSeconds?: number;
  /** Attempts allowed for each cause of failure. */
  readonly attempts?: Partial<Readonly<Record<Cause, number>>>;
  /** false reads nothing from other runs. */
  readonly cache?: boolean;
  /** 'none' also stops the joining of equal calls within the run. */
  readonly cacheScope?: 'any' | 'none';
  /** Named limits the job counts against, and how much it takes of each. */
  readonly limits?: Readonly<Record<string, number>>;
  /** The least number of equal jobs to be submitted as one array. */
  readonly minArraySize?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** What the job has in its environment and nothing else shows: where each value is had from. */
  readonly secrets?: SecretSources;
  /** true: does more than give a value, such as writing a file; a dry run leaves it out. Running inline it may still run twice. */
  readonly effects?: boolean;
}

/** What an executor alone says: of the machines its jobs run on, and of the way to them. The local cloud reads none of it. */
export interface ExecutorPlace {
  /**
   * `s3://bucket/prefix/` for what is handed to jobs and handed back by them and needed no longer than that: specs, and
   * outcomes that no database takes. Default: the deployment's own store, which values, bundles and journals stay in.
   */
  readonly scratch?: string;
  /** Needed where the queue has a fair-share policy. */
  readonly shareIdentifier?: string;
  readonly platform?: 'EC2' | 'FARGATE';
  /** ARN of the role that AWS itself takes to pull the image, write the log and fetch secrets; default: the deployment's. */
  readonly executionRole?: string;
  /** On Fargate: false where the subnets lead to the network some other way, by endpoints or a NAT. Default: true. */
  readonly publicIp?: boolean;
  /** On Fargate: GiB of disk, 21 to 200, shared with the image; default 20. On EC2 it is the queue's machines that have one. */
  readonly disk?: number;
  /** On Fargate, of the image; on EC2 it is the queue's machines that have one. */
  readonly architecture?: 'arm64' | 'x86_64';
  /** On EC2: the image that the runner is taken from, for images of tools that are used as they are. */
  readonly runnerImage?: string;
}

/** Kinds of executors that redex comes with. */
export type ExecutorKind = 'batch';
export const EXECUTOR_KINDS = keysOf<ExecutorKind>({ batch: true });

export interface ExecutorConfig extends Omit<JobOptions, 'executor' | 'limits' | 'tags'>, ExecutorPlace {
  readonly type: ExecutorKind | 'inline';
}

/** As a program has it: of any type, since a deployment alone knows which kinds it has executors of. */
export interface ProgramExecutor extends Omit<ExecutorConfig, 'type'> {
  readonly type: string;
}

/** How files on the web are had. */
export interface WebSettings {
  /**
   * Hosts, addresses and networks (`10.0.0.0/8`) in private networks that redirects may lead to. Without it they lead to
   * none; a location that names one itself is read in any case.
   */
  readonly privateRedirects?: readonly string[];
}

export interface TaskInfo {
  /** hash of (name, version, includes), or of (name, all code of the project that it can reach, includes). */
  readonly hash: Hash;
  /** Digests of the helpers that its code reaches, by name and file: which of them changed. Left out where there are none. */
  readonly helpers?: Readonly<Record<string, string>>;
  readonly options: JobOptions;
  /** Where its author defined it, as `workflows/align.ts:12`. Programs of before this was kept have none. */
  readonly place?: string;
  /** JSON Schema of the one record parameter of a task that can be started from outside. */
  readonly params?: unknown;
  readonly description?: string;
}

export interface Program {
  readonly bundle: Hash;
  readonly tasks: Readonly<Record<string, TaskInfo>>;
  readonly executors: Readonly<Record<string, ProgramExecutor>>;
  readonly limits: Readonly<Record<string, number>>;
  /** The run's context: any JSON. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly web?: WebSettings;
}

/** Built into every program: scripts are run by the runner itself, not by a function of the bundle. */
export const SCRIPT_TASK = 'redex.script';
export const INLINE_EXECUTOR = 'inline';
/** GiB of a job that says nothing of its memory. */
export const MEMORY_GIB_DEFAULT = 4;

/** A task that can be started from outside. */
export interface WorkflowInfo {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the one record it takes; files and directories are texts of format redex-file and redex-dir. */
  readonly params: unknown;
  /** `path:line` in the project. */
  readonly place?: string | undefined;
}

/** By name. */
export function workflowsOf({ tasks }: Program): WorkflowInfo[] {
  return Object.entries(tasks)
    .filter(([, { params }]) => params !== undefined)
    .map(([name, { description, params, place }]) => ({ name, description, params, place }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
