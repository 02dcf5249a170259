import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { project } from '../support/project.ts';

const COMMAND = resolve(import.meta.dirname, '../../cli/redex.mjs');
const TEST_MS_MAX = 60_000;

const WORKFLOW = `
import { file, script, task, v } from 'redex';

export const main = task('dry.main', { params: v.object({ text: v.optional(v.file(), 'in.txt') }) }, ({ text }) => ({
  sorted: show(sort(text)),
  report: report(text),
}));
const sort = task('dry.sort', {}, (text) =>
  script('sort in > out', { executor: 'batch', inputs: [text.stage('in')], outputs: file('sorted.txt').stage('out') }),
);
const trimmed = (text) => text.trim();
const show = task('dry.show', {}, async (sorted) => trimmed(await sorted.text()));
const report = task('dry.report', {}, async (text) => file('report.txt').write(await text.text()));
`;

let folder: string;
beforeAll(async () => {
  folder = await project({ 'workflow.ts': WORKFLOW, 'in.txt': 'b\na\n' }, (remove) => afterAll(remove));
});

function redex(...words: string[]) {
  return spawnSync(process.execPath, [COMMAND, 'run', 'main', ...words], { cwd: folder, encoding: 'utf8' });
}

/** Everything a run writes: results, values, bundles, specs. The database's own bookkeeping when it is opened is not. */
function written(): string[] {
  const paths = globSync(['*.txt', '.redex/store/**/*', '.redex/batch/**/*'], { cwd: folder });
  return paths
    .filter((path) => statSync(join(folder, path)).isFile())
    .map(
      (path) =>
        `${path} ${createHash('sha256')
          .update(readFileSync(join(folder, path)))
          .digest('hex')}`,
    )
    .sort();
}

describe('redex run --dry-run', { timeout: TEST_MS_MAX }, () => {
  it('says what would run where nothing was run yet, and leaves no state behind', () => {
    const { status, stdout, stderr } = redex('--dry-run');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      [
        'Dry run of dry.main: nothing was written.',
        '',
        'JOBS  TASK          EXECUTOR  WHY       CALLED BY',
        '   1  dry.main      inline    new task',
        '   1  dry.report    inline    new task  dry.main',
        '   1  dry.sort      inline    new task  dry.main',
        '   1  redex.script  batch     new task  dry.main > dry.sort',
        '',
        '0 cached, 4 would run, of which 2 inline were run to look further.',
        'Not known before those have run: 1 dry.show, and what they call.',
        '',
      ].join('\n'),
    );
    expect(existsSync(join(folder, '.redex'))).toBe(false);
    expect(existsSync(join(folder, 'report.txt'))).toBe(false);
  });

  it('after a run finds all of it cached, then names the file that changed, and writes nothing', async () => {
    execFileSync(process.execPath, [COMMAND, 'run', 'main'], { cwd: folder, stdio: 'ignore' });
    const before = written();
    expect(redex('--dry-run').stdout).toContain('5 cached, 0 would run.\nThe value is known: every job is cached.\n');
    expect(written()).toEqual(before);

    await appendFile(join(folder, 'in.txt'), 'c\n');
    const changed = written();
    const plan = JSON.parse(redex('--dry-run', '--json').stdout);
    const reason = { kind: 'changed file', files: ['in.txt'] };
    expect(plan).toMatchObject({ workflow: 'dry.main', cached: 0, waiting: { 'dry.show': 1 } });
    expect(plan.jobs.map((job: { task: string; reason: unknown }) => [job.task, job.reason])).toEqual([
      ['dry.main', reason],
      ['dry.report', reason],
      ['dry.sort', reason],
      ['redex.script', reason],
    ]);
    expect(written()).toEqual(changed);
  });

  it('names the helper that changed', async () => {
    await writeFile(join(folder, 'workflow.ts'), WORKFLOW.replace('text.trim()', 'text.trimEnd()'));
    execFileSync(process.execPath, [COMMAND, 'run', 'main'], { cwd: folder, stdio: 'ignore' });
    await writeFile(join(folder, 'workflow.ts'), WORKFLOW);
    expect(redex('--dry-run').stdout).toMatch(
      / 1 {2}dry\.show +inline +changed code: trimmed \(workflow\.ts\) +dry\.main\n/,
    );
  });
});
