import { spawnSync } from 'node:child_process';
import { defineConfig } from './core/index.ts';

/** Whether the tools of the container are on this machine: else the workflows use what Debian has. */
const containerTools =
  spawnSync('sh', ['-c', 'command -v gatk && command -v bwa-mem2'], { stdio: 'ignore' }).status === 0;

export default defineConfig({
  executors: {
    batch: { type: 'batch', vcpus: 1, memory: 4 },
  },
  /** How much of each a run's jobs in flight may take together. */
  limits: { licences: 2 },
  context: { tools: containerTools ? 'container' : 'debian' },
  profiles: {
    /** Jobs run in the image that `make -C docker build` makes, on this machine, where Docker is present. */
    container: {
      executors: { batch: { image: 'redex_bioinfo_batch:latest' } },
      context: { tools: 'container' },
    },
    debian: { context: { tools: 'debian' } },
    /** What stack/README.md tries a new stack with, when that has a queue of Fargate. */
    checklist: {
      executors: { fargate: { type: 'batch', platform: 'FARGATE', queue: 'redex-dev-fargate', vcpus: 1, memory: 2 } },
    },
    /** The same image on AWS Batch. */
    aws: {
      executors: {
        batch: {
          image: 'YOUR_ACCOUNT_ID.dkr.ecr.us-west-2.amazonaws.com/redex_bioinfo_batch:latest',
          queue: 'YOUR_QUEUE_NAME',
          scratch: 's3://YOUR_BUCKET/redex/',
          role: 'arn:aws:iam::YOUR_ACCOUNT_ID:role/YOUR_ROLE',
        },
        'batch-gpu': { type: 'batch', queue: 'YOUR_GPU_QUEUE_NAME', gpus: 1, vcpus: 4, memory: 16 },
      },
      context: { tools: 'container' },
    },
  },
});
