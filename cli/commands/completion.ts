/** What Tab offers in a shell. The shell asks redex itself, by a command of its own: no list is kept twice. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';

const BASH = `_redex() {
  local IFS=$'\\n'
  COMPREPLY=($(redex complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o bashdefault -o default -F _redex redex
`;

const ZSH = `#compdef redex
_redex() {
  local -a found
  found=(\${(f)"$(redex complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( $#found )); then compadd -a found; else _files; fi
}
compdef _redex redex
`;

const FISH = `function __redex_complete
  set -l typed (commandline -opc) (commandline -ct)
  set -l found (redex complete -- $typed[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c redex -f -a '(__redex_complete)'
`;

export const COMPLETIONS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/**
 * What the last of the words, which may be empty, can become; nothing where it is a file or what only its user knows.
 * `workflows`: their names in a file, or in those of the project.
 */
export function candidates(
  program: Command,
  words: readonly string[],
  workflows: (file: string | undefined) => readonly string[],
): string[] {
  const typed = words.at(-1) ?? '';
  return possible(program, words.slice(0, -1), typed, workflows).filter((word) => word.startsWith(typed));
}

function possible(
  program: Command,
  before: readonly string[],
  typed: string,
  workflows: (file: string | undefined) => readonly string[],
): readonly string[] {
  const [name, ...rest] = before;
  const commands = program.createHelp().visibleCommands(program);
  if (name === undefined) return [...commands.map((command) => command.name()), ...optionsOf(program)];
  const command = commands.find((one) => one.name() === name);
  if (!command || rest.includes('--')) return [];
  const valued = command.options.find(({ long, required }) => required && long === rest.at(-1));
  if (valued) return valued.argChoices ?? [];
  if (typed.startsWith('-')) return optionsOf(command);
  if (name === 'run') return rest.length > 1 || rest[0]?.endsWith('.ts') === false ? [] : workflows(rest[0]);
  return rest.length === 0 ? (command.registeredArguments[0]?.argChoices ?? []) : [];
}

function optionsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long }) => long ?? []), '--help'];
}

/** Names of tasks that declare params, as the text of a file has them: loading it would take a second for each Tab. */
export function workflowNames(file: string): string[] {
  const [, ...tasks] = readFileSync(file, 'utf8').split(/\btask\(/);
  return tasks.flatMap((text) => {
    const name = /^\s*(['"])([\w.-]+)\1/.exec(text)?.[2];
    return name !== undefined && /\bparams\b/.test(text) ? [name] : [];
  });
}
