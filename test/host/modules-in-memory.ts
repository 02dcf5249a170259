/** Modules of a project that is nowhere on disk, and the code that stands for a task's function in its hash. */
import { posix } from 'node:path';
import type { AnyNode } from 'acorn';
import { taskNames } from '../../core/host/module-facts.ts';
import { type OpenModule, openModule } from '../../core/host/open-module.ts';
import { type ImportTarget, type ReachableCode, reachOf } from '../../core/host/reach.ts';
import { visit } from '../../core/host/syntax.ts';

export interface Code extends ReachableCode {
  /** The function's own text and all it reaches. */
  readonly whole: string;
}

/** Of each task, by name. Packages are called as they are imported, with version 1. */
export async function codeOfTasks(files: Readonly<Record<string, string>>): Promise<Map<string, Code>> {
  const opened = new Map<string, Promise<OpenModule>>();
  const open = (path: string): Promise<OpenModule> => {
    const text = files[path];
    if (text === undefined) throw new Error(`there is no file ${path}`);
    const known =
      opened.get(path) ??
      openModule(
        { path, text },
        {
          resolve: (source) => targetOf(source, path),
          fileAt: (address) => {
            const content = files[posix.join(posix.dirname(path), address)];
            return Promise.resolve(
              content === undefined ? undefined : { hash: content, name: address, mode: 0o644, base64: '' },
            );
          },
        },
      );
    opened.set(path, known);
    return known;
  };
  const targetOf = async (source: string, importer: string): Promise<ImportTarget> => {
    if (!source.startsWith('.')) return { leaf: ['package', source, '1'] };
    const path = posix.join(posix.dirname(importer), source);
    if (path.endsWith('.json')) return { leaf: ['data', JSON.stringify(JSON.parse(files[path] ?? 'null'))] };
    return { module: await open(path) };
  };
  const code = new Map<string, Code>();
  for (const path of Object.keys(files).filter((each) => each.endsWith('.ts'))) {
    const module = await open(path);
    for (const { name, span } of tasksIn(module.program)) {
      const reach = await reachOf(module, span, []);
      code.set(name, { ...reach, whole: `${await module.textOf(span)}\n${reach.text}` });
    }
  }
  return code;
}

function tasksIn(program: AnyNode): { name: string; span: { start: number; end: number } }[] {
  if (program.type !== 'Program') return [];
  const names = taskNames(program.body);
  const found: { name: string; span: { start: number; end: number } }[] = [];
  visit(program, (node) => {
    if (node.type !== 'CallExpression' || !names.calls(node.callee)) return;
    const [name, ...rest] = node.arguments;
    const fn = rest.at(-1);
    if (name?.type === 'Literal' && fn)
      found.push({ name: String(name.value), span: { start: fn.start, end: fn.end } });
  });
  return found;
}
