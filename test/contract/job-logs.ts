/** What every keeper of jobs' logs does. */
import { describe, expect, it } from 'vitest';
import type { JobLogs, LoggedJob } from '../../core/engine/ports.ts';

export interface KeptLogs {
  readonly logs: JobLogs;
  /** Has a job write this, after what it has written so far. */
  write(job: LoggedJob, lines: readonly string[]): Promise<void>;
}

const job = (name: string): LoggedJob => ({ log: name, executorId: undefined });

/** `open` gives a keeper; names of logs differ from test to test. */
export function jobLogsContract(name: string, open: () => KeptLogs): void {
  describe(`${name} keeps what jobs write`, () => {
    /** All parts from there on; how many there were, and where the next begins. */
    const readAll = async ({ logs }: KeptLogs, logged: LoggedJob, from?: string) => {
      let text = '';
      for (let [next, parts] = [from, 1]; parts < 100; parts++) {
        const part = await logs.read(logged, next);
        if (!part) throw new Error('there is no log');
        text += part.text;
        if (part.isEnd) return { text, next: part.next };
        next = part.next;
      }
      throw new Error('it has no end');
    };

    it('gives it from the beginning, line by line', async () => {
      const kept = open();
      await kept.write(job('whole'), ['one', 'two', 'drei und µ', '🧬']);
      expect((await readAll(kept, job('whole'))).text).toBe('one\ntwo\ndrei und µ\n🧬\n');
    });

    it('goes on where a part ended, with what was written since', async () => {
      const kept = open();
      await kept.write(job('growing'), ['one']);
      const { text, next } = await readAll(kept, job('growing'));
      expect(text).toBe('one\n');
      expect(await readAll(kept, job('growing'), next)).toMatchObject({ text: '' });
      await kept.write(job('growing'), ['two', 'three']);
      expect((await readAll(kept, job('growing'), next)).text).toBe('two\nthree\n');
    });

    it('has none of a job that has written none', async () => {
      const { logs } = open();
      expect(await logs.read(job('nothing'), undefined)).toBeUndefined();
      expect(await logs.read({ log: undefined, executorId: undefined }, undefined)).toBeUndefined();
    });
  });
}
