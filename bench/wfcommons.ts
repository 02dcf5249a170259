/**
 * Traces of the community (WfFormat 1.5, wfcommons.org) as redex workflows: the same tasks, files and dependencies, each task a script
 * that sleeps for a share of its time and writes files of a share of their size.
 */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { present } from '../core/values/present.ts';
import { runProject } from './engines.ts';
import type { Figures, Measurement } from './measurement.ts';
import { peaksOf } from './process.ts';

/** https://github.com/wfcommons/WfFormat: what is read of it; there may be more. */
const Ids = v.optional(v.array(v.string()), []);
const Instance = v.object({
  name: v.string(),
  schemaVersion: v.picklist(['1.5', '1.6']),
  workflow: v.object({
    specification: v.object({
      tasks: v.pipe(
        v.array(v.object({ name: v.string(), id: v.string(), parents: Ids, inputFiles: Ids, outputFiles: Ids })),
        v.minLength(1),
      ),
      files: v.optional(v.array(v.object({ id: v.string(), sizeInBytes: v.number() })), []),
    }),
    execution: v.optional(v.object({ tasks: v.array(v.object({ id: v.string(), runtimeInSeconds: v.number() })) })),
  }),
});

type WorkflowInstance = v.InferOutput<typeof Instance>;
type TraceTask = WorkflowInstance['workflow']['specification']['tasks'][number];

/** Throws when it is none. */
export function parseInstance(text: string): WorkflowInstance {
  return v.parse(Instance, JSON.parse(text));
}

export interface Translation {
  /** A workflow file; `main` gives how many files the last tasks wrote. */
  readonly source: string;
  /** To be there before, and after the run: bytes by path. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
  readonly value: number;
}

/** `share`: of times and sizes. Throws when the tasks' parents go round in a circle. */
export function translate({ workflow }: WorkflowInstance, share: number): Translation {
  const { specification, execution } = workflow;
  const tasks = inOrder(specification.tasks);
  const seconds = new Map(execution?.tasks.map(({ id, runtimeInSeconds }) => [id, runtimeInSeconds * share]));
  const bytes = new Map(specification.files.map(({ id, sizeInBytes }) => [id, Math.ceil(sizeInBytes * share)]));
  const numbers = new Map(tasks.map(({ id }, at) => [id, at]));
  /** Where each file comes from, as an expression. */
  const made = new Map<string, string>();
  const inputs = new Map<string, number>();
  const outputs = new Map<string, number>();
  const lines = tasks.map((task, at) => {
    const given = task.inputFiles.map((id) => {
      const expression = made.get(id);
      if (expression !== undefined) return expression;
      const path = `in/f${inputs.size}`;
      inputs.set(path, bytes.get(id) ?? 0);
      made.set(id, `file('${path}')`);
      return `file('${path}')`;
    });
    const written = task.outputFiles.map((id, index): [string, number] => {
      made.set(id, `t${at}[${index}]`);
      const path = `out/f${outputs.size}`;
      outputs.set(path, bytes.get(id) ?? 0);
      return [path, bytes.get(id) ?? 0];
    });
    // A task that wrote nothing is waited for all the same.
    const after = task.parents.map((id) => `t${present(numbers.get(id), `task ${id}`)}`);
    const words = [
      JSON.stringify(task.id),
      `[${given}]`,
      JSON.stringify(written),
      seconds.get(task.id) ?? 0,
      `[${after}]`,
    ];
    return `  const t${at} = ${functionName(task.name)}(${words.join(', ')});`;
  });
  const parents = new Set(tasks.flatMap((task) => task.parents));
  const leaves = tasks.flatMap((task, at) => (parents.has(task.id) ? [] : [{ task, at }]));
  const names = [...new Set(tasks.map(({ name }) => functionName(name)))];
  return {
    source: sourceOf(
      names,
      lines,
      leaves.map(({ at }) => `t${at}`),
    ),
    inputs,
    outputs,
    value: leaves.reduce((sum, { task }) => sum + task.outputFiles.length, 0),
  };
}

const LIBRARY = join(import.meta.dirname, '..', 'core', 'index.ts');

function sourceOf(names: readonly string[], lines: readonly string[], leaves: readonly string[]): string {
  const tasks = names.map((name) => `const ${name} = task('trace.${name.slice(2)}', { version: '1' }, synthetic);`);
  return `import { file, script, task, v } from ${JSON.stringify(LIBRARY)};

function synthetic(id, inputs, outputs, seconds, _after) {
  const lines = outputs.map(([, bytes], at) => \`head -c \${bytes} /dev/zero > o\${at}\`);
  return script([\`: \${id}\`, \`sleep \${seconds}\`, ...lines].join('\\n'), {
    executor: 'batch',
    inputs: inputs.map((one, at) => one.stage(\`i\${at}\`)),
    outputs: outputs.map(([path], at) => file(path).stage(\`o\${at}\`)),
  });
}

${tasks.join('\n')}

const count = task('trace.count', { version: '1' }, (written) => written.flat().length);

export const main = task('trace.main', { version: '1', params: v.object({}) }, () => {
${lines.join('\n')}
  return count([${leaves.join(', ')}]);
});
`;
}

/** Names of programs are no names of functions. */
function functionName(name: string): string {
  return `f_${name.replace(/[^A-Za-z0-9]/g, '_')}`;
}

/** Parents first. */
function inOrder(tasks: readonly TraceTask[]): TraceTask[] {
  const ordered = new Set<TraceTask>();
  const done = new Set<string>();
  while (ordered.size < tasks.length) {
    const ready = tasks.filter((task) => !ordered.has(task) && task.parents.every((id) => done.has(id)));
    if (ready.length === 0) throw new Error('the tasks wait for each other, or for one that is not there');
    for (const task of ready) {
      ordered.add(task);
      done.add(task.id);
    }
  }
  return [...ordered];
}

const SHARE = 0.001;

export const wfcommons: Measurement = {
  title: 'a trace in WfFormat 1.5 as a workflow of synthetic scripts',
  usage: '[FILE [SHARE]]',
  async *measure([path, share = String(SHARE)]) {
    const paths = path === undefined ? OWN.map((name) => join(INSTANCES, name)) : [path];
    for (const one of paths) yield* traceRows(one, Number(share));
  },
};

const INSTANCES = join(import.meta.dirname, 'instances');
/** Small ones, made for this. */
const OWN = ['genome.json', 'mosaic.json', 'reads.json'];

export async function* traceRows(path: string, share: number, run = runProject): AsyncGenerator<Figures> {
  const instance = parseInstance(await readFile(path, 'utf8'));
  const { source, inputs, outputs, value } = translate(instance, share);
  const folder = await mkdtemp(join(tmpdir(), 'redex-bench-'));
  try {
    await writeFile(join(folder, 'workflow.ts'), source);
    await mkdir(join(folder, 'in'));
    for (const [file, bytes] of inputs) await writeFile(join(folder, file), Buffer.alloc(bytes));
    for (const how of ['cold', 'unchanged']) {
      const { value: found, ran } = await run(folder, 'workflow.ts', 'trace.main');
      if (found !== value) throw new Error(`${instance.name} came to ${found} files, not ${value}`);
      for (const [file, bytes] of outputs) {
        const { size } = await stat(join(folder, file));
        if (size !== bytes) throw new Error(`${file} of ${instance.name} has ${size} bytes, not ${bytes}`);
      }
      yield {
        trace: `${basename(path)}, ${how}`,
        tasks: instance.workflow.specification.tasks.length,
        files: inputs.size + outputs.size,
        s: ran.seconds,
        'CPU s': ran.cpuSeconds,
        peak: peaksOf(ran),
      };
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
