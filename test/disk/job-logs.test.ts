import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderJobLogs } from '../../core/disk/job-logs.ts';
import type { JobLogs } from '../../core/engine/ports.ts';
import { jobLogsContract } from '../contract/job-logs.ts';
import { project } from '../support/project.ts';

let folder: string;
beforeAll(async () => {
  folder = await project({ 'secret.log': 'not a log\n', 'logs/a_1.log': 'of a child\n' }, afterAll);
});

for (const bytes of [undefined, 6]) {
  jobLogsContract(`a folder, read by ${bytes ?? 'the usual number of'} bytes,`, () => {
    const own = join(folder, String(bytes));
    return {
      logs: {
        read: (job, from) =>
          folderJobLogs(folder, bytes).read({ ...job, ...(job.log && { log: `${bytes}-${job.log}` }) }, from),
      },
      write: ({ log }, lines) => appendFile(`${own}-${log}`, lines.map((line) => `${line}\n`).join('')),
    };
  });
}

describe('a folder of logs', () => {
  const read = (logs: JobLogs, log: string | undefined, executorId?: string) =>
    logs.read({ log, executorId }, undefined);

  it('knows the log of a job that runs by its id', async () => {
    expect(await read(folderJobLogs(join(folder, 'logs')), undefined, 'a:1')).toMatchObject({ text: 'of a child\n' });
  });

  it('gives no file outside, whatever a log is called', async () => {
    const logs = folderJobLogs(join(folder, 'logs'));
    for (const name of ['../secret.log', join(folder, 'secret.log')]) expect(await read(logs, name)).toBeUndefined();
  });

  it('cuts no character in two, and shows bytes that are none', async () => {
    await writeFile(join(folder, 'cut.log'), Buffer.concat([Buffer.from('µ'.repeat(5)), Buffer.from([0xe2, 0x82])]));
    const logs = folderJobLogs(folder, 5);
    expect(await read(logs, 'cut.log')).toEqual({ text: 'µµ', next: '4', isEnd: false });
    // The rest of the last character may be about to be written.
    expect(await logs.read({ log: 'cut.log', executorId: undefined }, '8')).toEqual({
      text: 'µ',
      next: '10',
      isEnd: true,
    });
    await writeFile(join(folder, 'odd.log'), Buffer.from([0x61, 0xff, 0x62, 0x0a]));
    expect(await read(folderJobLogs(folder), 'odd.log')).toMatchObject({ text: 'a\uFFFDb\n' });
  });
});
