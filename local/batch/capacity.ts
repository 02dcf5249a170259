/** Which jobs of the queue may run together on this machine: first in, first out. */

import { availableParallelism, totalmem } from 'node:os';
import { at } from '../../core/values/present.ts';
import type { BatchJob } from './jobs.ts';

export interface Capacity {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

const MIB = 1024 * 1024;

/** All that this machine has, or the container that this process is in. */
export function machineCapacity(): Capacity {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return { vcpus: availableParallelism(), memoryMiB: Math.floor(memory / MIB) };
}

export interface JobQueue {
  push(job: BatchJob): void;
  /** Takes the jobs that can start now. The head waits for room, and everyone behind it waits with it. */
  take(): BatchJob[];
  /** Gives back the room of a job that was taken. */
  release(job: BatchJob): void;
}

/** Jobs that have ended while waiting are passed over. */
export function jobQueue(capacity: Capacity): JobQueue {
  let waiting: BatchJob[] = [];
  const running = new Set<BatchJob>();
  const fits = (job: BatchJob): boolean => {
    const { vcpus, memoryMiB } = usedBy([...running, job]);
    // A job that asks for more than there is runs all the same, but alone.
    return running.size === 0 || (vcpus <= capacity.vcpus && memoryMiB <= capacity.memoryMiB);
  };
  return {
    push: (job) => waiting.push(job),
    release: (job) => running.delete(job),
    take: () => {
      const taken: BatchJob[] = [];
      let next = 0;
      for (; next < waiting.length; next += 1) {
        const job = at(waiting, next);
        if (job.ended) continue;
        if (!fits(job)) break;
        running.add(job);
        taken.push(job);
      }
      waiting = next === 0 ? waiting : waiting.slice(next);
      return taken;
    },
  };
}

function usedBy(jobs: readonly BatchJob[]): Capacity {
  let vcpus = 0;
  let memoryMiB = 0;
  for (const { submission } of jobs) {
    vcpus += submission.container.vcpus;
    memoryMiB += submission.container.memoryMiB;
  }
  return { vcpus, memoryMiB };
}

/** Whether a job asks for more than the machine has, in words. */
export function excessOf(job: BatchJob, capacity: Capacity): string | undefined {
  const { vcpus, memoryMiB } = job.submission.container;
  const asked = [
    ...(vcpus > capacity.vcpus ? [`${vcpus} vCPUs of ${capacity.vcpus}`] : []),
    ...(memoryMiB > capacity.memoryMiB ? [`${inGiB(memoryMiB)} of ${inGiB(capacity.memoryMiB)} memory`] : []),
  ];
  if (asked.length === 0) return undefined;
  return `${job.submission.name} asks for ${asked.join(' and ')}: it runs alone`;
}

function inGiB(mib: number): string {
  return `${Math.round((mib / 1024) * 10) / 10} GiB`;
}
