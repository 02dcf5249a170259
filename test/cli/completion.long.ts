import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { COMPLETIONS } from '../../cli/commands/completion.ts';

const REDEX = fileURLToPath(new URL('../../cli/redex.mjs', import.meta.url));

const FILE = `import { task, v } from 'redex';
const inner = task('t.inner', {}, (n: number) => n);
export const main = task("t.main", { params: v.object({ n: v.number() }) }, ({ n }) => inner(n));
`;

/** What bash fills in for each line, as Tab at its end does. */
const SCRIPT = `
eval "$(redex completion bash)"
for line in "$@"; do
  read -r -a COMP_WORDS <<< "$line"
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
  COMPREPLY=()
  _redex
  echo "\${COMPREPLY[*]}"
done
complete -p redex
`;

it('Tab in bash completes commands, options, what an option may be, and workflows of a file; else files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'redex-completion-'));
  try {
    await writeFile(join(folder, 'flow.ts'), FILE);
    await writeFile(join(folder, 'redex'), `#!/bin/sh\nexec '${process.execPath}' '${REDEX}' "$@"\n`);
    await chmod(join(folder, 'redex'), 0o755);
    const lines = [
      'redex re',
      'redex run flow.ts ',
      'redex run --dr',
      'redex run --failure ',
      'redex run --args-file ',
      'redex completion z',
    ];
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', SCRIPT, 'bash', ...lines], {
      cwd: folder,
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'resume retry',
      't.main',
      '--dry-run',
      'drain cancel',
      '',
      'zsh',
      expect.stringMatching(/^complete -o bashdefault -o default -F _redex redex$/),
      '',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('there is a script for each of three shells, which asks redex', () => {
  expect(Object.keys(COMPLETIONS)).toEqual(['bash', 'zsh', 'fish']);
  for (const script of Object.values(COMPLETIONS)) expect(script).toContain('redex complete -- ');
});
