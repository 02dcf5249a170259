import { defineConfig } from '../../core/index.ts';

/** What random programs run with. */
export default defineConfig({
  executors: { batch: { type: 'batch' } },
  limits: { one: 1 },
  context: { a: { b: 'from the run', list: [1, 2] } },
});
