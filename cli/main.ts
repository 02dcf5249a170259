/** The command line: a client of the functions, on the local cloud or in a stack on AWS. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { readableStacks } from '../core/host/readable-stacks.ts';
import packageJson from '../package.json' with { type: 'json' };
import { cleanCommand } from './commands/clean.ts';
import { COMPLETIONS, candidates, workflowNames } from './commands/completion.ts';
import { cancelCommand, retryCommand } from './commands/course.ts';
import { logCommand, logsCommand, statusCommand } from './commands/history.ts';
import { localCommand } from './commands/local.ts';
import { resumeCommand } from './commands/resume.ts';
import { runCommand } from './commands/run.ts';
import { type ContextPart, parseContextPart } from './context.ts';
import { EXIT } from './exit.ts';
import { workflowFiles } from './project.ts';
import { projectRoot, stateFolder, type Where } from './session/where.ts';
import { stackName } from './stack.ts';
import { endQuietlyWithReader, shown } from './terminal.ts';
import { machineTrouble, unexpected } from './trouble.ts';
import { UsageError } from './usage-error.ts';
import { ownCommandLine, typedWords, unclearWord } from './words.ts';

type Tags = Readonly<Record<string, string>>;

/** Where the functions are. */
interface PlaceFlags {
  readonly onAws?: boolean;
  readonly stack?: string;
}

interface JsonFlags extends PlaceFlags {
  readonly json?: boolean;
}

interface RunFlags extends PlaceFlags {
  readonly argsFile?: string;
  readonly profile?: string;
  readonly cache: boolean;
  readonly failure: 'drain' | 'cancel';
  readonly chaos?: number;
  readonly tag?: Tags;
  readonly context?: readonly ContextPart[];
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

function collectTag(text: string, tags: Tags = {}): Tags {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be key=value.');
  return { ...tags, [text.slice(0, at)]: text.slice(at + 1) };
}

function collectContext(text: string, parts: readonly ContextPart[] = []): readonly ContextPart[] {
  const part = parseContextPart(text);
  if (!part) throw new InvalidArgumentError('It must be path=value.');
  return [...parts, part];
}

const RUN_HELP = `
WORKFLOW is a task that declares params, by its full name or by what follows the last dot. The project's workflow.ts and
workflows/**/workflow.ts are looked through, or the one FILE.ts that stands before the name.
  redex run                           lists the workflows
  redex run WORKFLOW --help           lists what one takes
  redex run main --samples-file s.txt runs it with a parameter called samplesFile
  redex run WORKFLOW --on-aws         runs what was deployed; with a FILE.ts that, by those who may deploy
  redex run WORKFLOW --json -- --tag t
                                      after -- all is the workflow's, also what is called like an option below

A run of the same workflow, arguments, context and code that was interrupted is carried on.
Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Options of `redex run` that were typed, as `--tag`. */
function typedOptions(command: Command): string[] {
  const typed = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
  return typed.flatMap(({ long }) => long ?? []);
}

/** What `redex run` is told before `--`, and what its workflow is told after it. */
function split(words: readonly string[]): { before: readonly string[]; after?: readonly string[] } {
  const at = words[0] === 'run' ? words.indexOf('--') : -1;
  return at < 0 ? { before: words } : { before: words.slice(0, at), after: words.slice(at + 1) };
}

/** Options of every command that is about runs. */
function withPlace(command: Command): Command {
  return command
    .option('--on-aws', 'of a stack on AWS, by your own credentials; REDEX_STACK says which, else it is redex-dev')
    .option('--stack <name>', 'of this stack on AWS');
}

function whereOf(root: string, { onAws = false, stack }: PlaceFlags): Where {
  const isOnAws = onAws || stack !== undefined || Boolean(process.env.REDEX_STACK);
  return { root, stack: isOnAws ? stackName(stack) : undefined };
}

/** `after`: words of the workflow that `redex run` does not look at. */
function makeProgram(root: string, after: readonly string[] | undefined, finish: (code: number) => void): Command {
  const program = new Command('redex')
    .description('Scientific workflows, evaluated by graph reduction. State is kept in .redex/.')
    .showHelpAfterError('redex --help says more.')
    .version(packageJson.version, '--version', 'print the version of redex')
    // After a command its options are its own: a workflow may have a parameter called version.
    .enablePositionalOptions()
    .exitOverride();

  withPlace(program.command('run'))
    .description('run a workflow and print its result')
    .usage('[FILE.ts] WORKFLOW [--parameter value …] [options] [-- --parameter value …]')
    .showHelpAfterError('A parameter of the workflow that is called like an option of redex run is given after --.')
    .argument('[words...]')
    .option('--args-file <file>', 'arguments as a JSON object; - is the standard input')
    .option('--profile <name>', 'a profile of redex.config.ts')
    .option('--no-cache', 'reuse nothing from other runs')
    .addOption(
      new Option('--failure <policy>', 'when a job fails for good, what is running runs on, or is ended')
        .choices(['drain', 'cancel'])
        .default('drain'),
    )
    .option('--tag <key=value>', 'a tag of the run; may be repeated', collectTag)
    .option('--context <path=value>', 'what context(path) reads, JSON or text; may be repeated', collectContext)
    .option('--chaos <seed>', 'lose jobs, and lose, repeat and delay events, as the number says', wholeNumber)
    .option('--dry-run', 'say what would run and why; nothing is written')
    .option('--json', 'print the end of the run as JSON')
    .allowUnknownOption()
    .helpOption(false)
    .addHelpText('after', RUN_HELP)
    .action(
      async (
        words: string[],
        { tag = {}, context = [], json = false, dryRun = false, ...flags }: RunFlags,
        command: Command,
      ) => {
        if (words[0] === '--help' || words[0] === '-h') command.help();
        const typed = after ? [] : typedOptions(command);
        const options = { ...flags, json, dryRun, context, tags: tag, typed };
        finish(await runCommand(whereOf(root, flags), [...words, ...(after ?? [])], options));
      },
    );

  program
    .command('deploy-code')
    .description('make the workflows of this project what new runs of a stack are made of; runs under way keep theirs')
    .requiredOption('--bucket <name>', 'the bucket of the stack, by your own AWS credentials')
    .option('--profile <name>', 'a profile of redex.config.ts')
    .option('--json', 'print what was deployed as JSON')
    .action(async ({ json = false, ...flags }: { bucket: string; profile?: string; json?: boolean }) => {
      // The SDK is large: whoever needs none is not made to wait for it.
      const { deployCodeCommand } = await import('./commands/deploy.ts');
      await deployCodeCommand(root, { ...flags, json });
      finish(EXIT.done);
    });

  withPlace(program.command('resume'))
    .description('carry an interrupted run on, or watch one that is under way')
    .argument('[run]', 'its id, or how that begins; by default the newest unfinished one')
    .option('--json', 'print the end of the run as JSON')
    .action(async (run: string | undefined, { json = false, ...place }: JsonFlags) => {
      finish(await resumeCommand(whereOf(root, place), run, json));
    });

  withPlace(program.command('cancel'))
    .description('end a run: nothing more is started, and what is running is stopped')
    .argument('<run>', 'its id, or how that begins')
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print the end of the run as JSON')
    .action(async (run: string, { reason, json = false, ...place }: JsonFlags & { reason?: string }) => {
      finish(await cancelCommand(whereOf(root, place), run, reason, json));
    });

  withPlace(program.command('retry'))
    .description('take up a run that failed or was cancelled: what has a value keeps it, the rest is run again')
    .argument('<run>', 'its id, or how that begins')
    .option('--json', 'print the end of the run as JSON')
    .action(async (run: string, { json = false, ...place }: JsonFlags) => {
      finish(await retryCommand(whereOf(root, place), run, json));
    });

  withPlace(program.command('log'))
    .description('list the runs, newest first, or the jobs of one')
    .argument('[run]', 'id of a run, or how it begins')
    .option('--limit <n>', 'number of runs', wholeNumber, 20)
    .option('--json', 'print JSON')
    .action(async (run: string | undefined, { limit, json = false, ...place }: JsonFlags & { limit: number }) => {
      finish(await logCommand(whereOf(root, place), run, { limit, json }));
    });

  withPlace(program.command('status'))
    .description("print a run's table, and its result or error when it is over")
    .argument('[run]', 'id of a run, or how it begins; by default the newest')
    .option('--json', 'print JSON')
    .action(async (run: string | undefined, { json = false, ...place }: JsonFlags) => {
      finish(await statusCommand(whereOf(root, place), run, json));
    });

  withPlace(program.command('logs'))
    .description('print what a job wrote')
    .argument('<job>', 'id of a job, as in redex log RUN, or how it begins; or a task of the run')
    .option('--run <run>', 'the run it belongs to; by default the newest')
    .action(async (job: string, { run, ...place }: PlaceFlags & { run?: string }) => {
      finish(await logsCommand(whereOf(root, place), job, run));
    });

  withPlace(program.command('doctor'))
    .description('say what is right and wrong with this laptop, or with a deployed stack, and what to do')
    .option('--profile <name>', 'a profile of redex.config.ts, for a laptop')
    .option('--json', 'print the checks as JSON')
    .addHelpText('after', '\nExit code: 0 nothing is wrong, 1 something is, 2 wrong usage.')
    .action(async ({ profile, json = false, ...place }: JsonFlags & { profile?: string }) => {
      const { doctorCommand } = await import('./commands/doctor.ts');
      finish(await doctorCommand(whereOf(root, place), { profile, json, version: packageJson.version }));
    });

  program
    .command('local')
    .description('keep the local cloud up for other commands, until Ctrl-C; interrupted runs go on in it')
    .action(async () => finish(await localCommand(root)));

  program
    .command('clean')
    .description('remove .redex: all runs, and what can be reused of them; results stay where they are')
    .option('--yes', 'do not ask')
    .action(async ({ yes = false }: { yes?: boolean }) => finish(await cleanCommand(root, yes)));

  program
    .command('completion')
    .description('print what makes Tab complete commands, options and workflows: eval "$(redex completion bash)"')
    .addArgument(new Argument('<shell>').choices(Object.keys(COMPLETIONS)))
    .action((shell: string) => {
      process.stdout.write(COMPLETIONS[shell] ?? '');
    });

  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) => {
      const namesIn = (file: string | undefined) =>
        (file === undefined ? workflowFiles(root) : [file]).flatMap(workflowNames);
      const found = candidates(program, words, namesIn);
      process.stdout.write(found.map((word) => `${word}\n`).join(''));
    });

  return program;
}

readableStacks();

/** Errors whose messages are meant for whoever typed the command. */
const TOLD: ReadonlySet<string> = new Set(['BundleError', 'CloudUnreachable', 'StackFailed', 'StackUnavailable']);
const ROOT = projectRoot(process.cwd());
const STATE = stateFolder(ROOT);

/** Runs the command line; gives the exit code. */
async function main(words: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  try {
    const { before, after } = split(words);
    const program = makeProgram(ROOT, after, (given) => {
      code = given;
    });
    await program.parseAsync(before, { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!(thrown instanceof UsageError)) return fail(thrown);
    process.stderr.write(`redex: ${thrown.message}\n`);
    return EXIT.usage;
  }
}

function fail(thrown: unknown): number {
  const isMeant = thrown instanceof Error && TOLD.has(thrown.name);
  const told = machineTrouble(thrown) ?? (isMeant ? thrown.message : unexpected(thrown, STATE));
  process.stderr.write(`redex: ${shown(told, process.stderr)}\n`);
  return EXIT.failed;
}

for (const stream of [process.stdout, process.stderr]) endQuietlyWithReader(stream);
process.on('uncaughtException', (error) => process.exit(fail(error)));
const { words, unclear } = typedWords(process.argv.slice(2), ownCommandLine());
for (const word of unclear) process.stderr.write(`redex: ${shown(unclearWord(word), process.stderr)}\n`);
const code = unclear.length > 0 ? EXIT.usage : await main(words);
// Connections and workers that are kept for a next request would hold the process for a while.
process.exit(code);
