/** Measurements on a local cloud, at sizes that say nothing: that they end, count what they should, and see a wrong result. */
import { describe, expect, test } from 'vitest';
import { costOf } from '../../bench/cost.ts';
import { fanOut } from '../../bench/fanout.ts';
import { hopsOf } from '../../bench/hop.ts';
import { roundsOf } from '../../bench/round.ts';
import { all } from './rows.ts';

/** One of them says another thing than it should. */
const wrong = { echo: (word: string) => (word === '1' ? '7' : word) };
const FEW = { live: 3, warm: 1, cold: 1 };

describe('fanout', () => {
  test('a map of a few scripts is one request', async () => {
    expect(await fanOut(5)).toMatchObject({ jobs: 5, SubmitJob: 1 });
  });

  test('fails when a line is another than it should be', async () => {
    await expect(fanOut(3, wrong)).rejects.toThrow('the sum of 3 lines is [9], not 3');
  });
});

describe('cost', () => {
  test('counts what a few tasks ask for, and prices it', async () => {
    const row = await costOf('arrays', 3);
    expect(row).toMatchObject({ tasks: 3, 'SQS requests': expect.any(Number) });
    expect(row['DynamoDB write units']).toBeGreaterThan(3_000);
    expect(row.$).toBeGreaterThan(0);
  });

  test('fails when the run came to another value than it should', async () => {
    await expect(costOf('one by one', 2, wrong)).rejects.toThrow('came to');
  });
});

describe('hop', () => {
  test('a chain has a hop less than jobs, and answers come as late as is asked for', async () => {
    const { 'hop ms': ms } = await hopsOf(3, 'slow', { Batch: 80 });
    expect(ms).toBeGreaterThan(80);
  });

  test('fails when the last line is another than it should be', async () => {
    await expect(hopsOf(2, 'none', {}, wrong)).rejects.toThrow('the last of 2 lines is ["7\\n"], not 1');
  });
});

describe('round', () => {
  test('one completion is measured warm and cold', async () => {
    expect(await all(roundsOf(4, FEW))).toMatchObject([
      { jobs: 4, graph: 'warm', rounds: 1 },
      { jobs: 4, graph: 'cold', rounds: 1 },
    ]);
  });

  test('fails when the sum is another than it should be', async () => {
    await expect(all(roundsOf(3, { ...FEW }, wrong))).rejects.toThrow('the sum of 3 lines is [9], not 3');
  });
});
