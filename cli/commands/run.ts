/** `redex run`: what is to be run, and its beginning. */
import { randomBytes } from 'node:crypto';
import { newRunId } from '../../core/engine/launch.ts';
import type { FailurePolicy } from '../../core/graph/facts.ts';
import { storeBundle } from '../../core/host/bundle.ts';
import type { RunId } from '../../core/values/ids.ts';
import { parseFlags, refuseAmbiguous } from '../arguments.ts';
import { type ContextPart, contextWith } from '../context.ts';
import { EXIT } from '../exit.ts';
import { fullName } from '../names.ts';
import { readArgsFile, typedLocation } from '../project.ts';
import { type About, carryOn, unfinished } from '../session/carry-on.ts';
import { following } from '../session/follow.ts';
import type { Session } from '../session/open.ts';
import type { Where } from '../session/where.ts';
import { UsageError } from '../usage-error.ts';
import { codeOf } from './run-code.ts';

export interface RunOptions {
  readonly argsFile?: string;
  readonly profile?: string;
  readonly cache: boolean;
  readonly failure: FailurePolicy;
  /** Seed of what goes wrong on purpose. */
  readonly chaos?: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly context: readonly ContextPart[];
  readonly json: boolean;
  /** Only says what would run. */
  readonly dryRun: boolean;
  /** Options that were typed where a parameter of the workflow might have been meant, as `--tag`. */
  readonly typed: readonly string[];
}

/** `words`: an optional workflow file, the workflow, and its flags. Gives the exit code. */
export async function runCommand(where: Where, words: readonly string[], options: RunOptions): Promise<number> {
  const files = words[0]?.endsWith('.ts') ? [words[0]] : [];
  const [name, ...flags] = words.slice(files.length);
  if (where.stack !== undefined) refuseOnAws(files, options);
  const code = await codeOf(where, files, name, options);
  const { workflows } = code;
  if (name === undefined || name === '--help' || name === '-h') {
    const lines = workflows.map(
      (workflow) => `  ${workflow.name}${workflow.description ? `: ${workflow.description}` : ''}`,
    );
    const text = ['Workflows:', ...lines, '', 'redex run WORKFLOW --help lists what one takes.'].join('\n');
    if (name === undefined) throw new UsageError(`which workflow?\n${text}`);
    process.stdout.write(`${text}\n`);
    return EXIT.done;
  }
  const chosen = fullName(
    name,
    workflows.map((workflow) => workflow.name),
  );
  const { workflow, context } = await code.look(chosen);
  refuseAmbiguous(workflow, options.typed);
  const given = options.argsFile === undefined ? {} : readArgsFile(options.argsFile);
  const parsed = parseFlags(workflow, flags, given, (typed) => locationOf(where, typed));
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return EXIT.done;
  }
  const request = {
    workflow: chosen,
    args: parsed.args,
    bundle: code.hash,
    tags: options.tags,
    cache: options.cache,
    failure: options.failure,
    ...(options.context.length > 0 && { context: contextWith(context, options.context) }),
  };
  const { json, chaos } = options;
  const { bundle } = code;
  if (options.dryRun) {
    // Brings the whole of the functions with it, which a run starts in its own time.
    const { printDryRun } = await import('./dry-run.ts');
    return (await printDryRun(where, bundle, request, json)) ? EXIT.done : EXIT.failed;
  }
  const begin = async (session: Session, about: About): Promise<RunId> => {
    if (bundle) await storeBundle(session.objects, bundle);
    const same = session.cloud && (await unfinished(session.client, session.cloud, request));
    if (same) return carryOn(session, same, about);
    const run = newRunId(Date.now(), randomBytes(NONCE_BYTES).toString('hex'));
    about(run);
    await session.client.call('start', { ...request, run });
    if (!session.cloud) process.stderr.write(`redex: run ${run} is under way in ${session.place}\n`);
    return run;
  };
  return following(where, { json, wanted: 'DONE', chaos }, begin);
}

/** What would be passed over in silence there. */
function refuseOnAws(files: readonly string[], { chaos, profile }: RunOptions): void {
  if (chaos !== undefined) throw new UsageError('--chaos is for the local cloud: a stack has its own');
  if (profile === undefined || files.length > 0) return;
  throw new UsageError('what was deployed has its profile: give --profile to deploy-code, or with a FILE.ts');
}

const NONCE_BYTES = 8;

/** On AWS there are no local files: what was typed is for the functions to judge. */
function locationOf({ root, stack }: Where, typed: string): string {
  return stack === undefined ? typedLocation(root, process.cwd(), typed) : typed;
}
