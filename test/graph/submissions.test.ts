/** Which jobs go out together, what limits hold back, and what becomes of an attempt. */
import { describe, expect, it } from 'vitest';
import { demandsOf, hasWorkLeft } from '../../core/graph/demands.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { groupAttempts } from '../../core/graph/group.ts';
import { catchError, context, map } from '../../core/index.ts';
import { acknowledged, claimed, computed, failed, missed, refused, returned, withdrawn } from './facts.ts';
import { f, g, given, job, other } from './harness.ts';

const batch = (options: object) => ({ tasks: { job: { executor: 'batch', ...options } } });

describe('a request', () => {
  it('has all jobs that are ready and want the same', () =>
    given([job(1), job(2), job(3)]).groups(['job(1)', 'job(2)', 'job(3)']));

  it('has jobs of different tasks that want the same', () => given([job(1), other(1)]).groups(['job(1)', 'other(1)']));

  it('has a single job by itself', () => given(job(1)).groups(['job(1)']));

  it('has nothing that is run in the reducer', () => given([f(1), job(1)]).groups(['job(1)']));

  it.each([
    { memory: 8 },
    { vcpus: 2 },
    { gpus: 1 },
    { image: 'tools:2' },
    { queue: 'spot' },
    { role: 'arn:aws:iam::1:role/x' },
    { timeoutSeconds: 60 },
    { tags: { team: 'a' } },
    { secrets: { KEY: { env: 'KEY' } } },
    { executor: 'second' },
  ])('has no job that differs in what it says once for all: %j', (options) => {
    given([job(1), job.options(options)(2), job(3)], { executors: { second: { type: 'batch' } } }).groups(
      ['job(1)', 'job(3)'],
      ['job(2)'],
    );
  });

  it.each([
    { memoryMax: 64 },
    { attempts: { program: 2 } },
    { cache: false },
    { cacheScope: 'none' as const },
    { limits: { db: 1 } },
    { fallbackQueue: 'on-demand' },
    { effects: true },
  ])('has also jobs that differ in what is the reducer’s own: %j', (options) => {
    given([job(1), job.options(options)(2)]).groups(['job(1)', 'job(2)']);
  });

  it('of fewer jobs than minArraySize is one for each', () =>
    given(map(job.options({ minArraySize: 3 }), [1, 2])).groups(['job(1)'], ['job(2)']));

  it('of as many jobs as minArraySize is one', () =>
    given(map(job.options({ minArraySize: 3 }), [1, 2, 3])).groups(['job(1)', 'job(2)', 'job(3)']));

  it('of more than 10,000 jobs is split', () => {
    const { graph } = given(job(1));
    const ready = Array.from({ length: 20_001 }, () => demandsOf(graph).submit).flat();
    expect(groupAttempts(graph, ready, () => 10_000).map(({ length }) => length)).toEqual([10_000, 10_000, 1]);
  });

  it('has no jobs that came to want more memory by failing', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)', 'out-of-memory'), failed('job(2)', 'machine-lost'))
      .groups(['job(1)'], ['job(2)']));

  it('has children that failed together again, in a smaller request', () =>
    given([job(1), job(2), job(3)])
      .when(claimed('s', 'job(1)', 'job(2)', 'job(3)'))
      .when(failed('job(1)', 'machine-lost'), returned('job(2)', 0), failed('job(3)', 'machine-lost'))
      .groups(['job(1)', 'job(3)']));
});

describe('a limit', () => {
  const limits = { limits: { db: 2 }, ...batch({ limits: { db: 1 } }) };

  it('lets as many jobs out as it has room for, oldest first', () =>
    given([job(1), job(2), job(3)], limits).groups(['job(1)', 'job(2)']));

  it('holds the others back while those are in flight', () =>
    given([job(1), job(2), job(3)], limits)
      .when(claimed('s', 'job(1)', 'job(2)'))
      .demands('submit job(3)')
      .groups());

  it('has room again when one of them has ended', () =>
    given([job(1), job(2), job(3)], limits)
      .when(claimed('s', 'job(1)', 'job(2)'), returned('job(2)', 0))
      .groups(['job(3)']));

  it('has room again when one of them has failed, and is to be tried once more', () =>
    given([job(1), job(2), job(3)], limits)
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)', 'machine-lost'))
      .groups(['job(1)']));

  it('has room again when a request was withdrawn', () =>
    given([job(1), job(2), job(3)], limits)
      .when(claimed('s', 'job(1)', 'job(2)'), withdrawn('s'))
      .groups(['job(1)', 'job(2)']));

  it('lets a smaller job pass one for which there is no room', () =>
    given([job(1), job.options({ limits: { db: 2 } })(2), job(3)], limits).groups(['job(1)', 'job(3)']));

  it('of which nobody said how much there is holds nothing back', () =>
    given([job(1), job(2), job(3)], batch({ limits: { licence: 9 } })).groups(['job(1)', 'job(2)', 'job(3)']));

  it('of which a job takes more than there is fails it at once', () =>
    given(job.options({ limits: { db: 3 } })(1), limits)
      .demands()
      .failsWith("TypeError: job: it takes 3 of the limit 'db', which is 2 in all"));

  it('holds back by each of several names', () =>
    given([job(1), job(2)], { limits: { db: 2, net: 1 }, ...batch({ limits: { db: 1, net: 1 } }) }).groups(['job(1)']));

  it('is not taken by what is looked up in the cache', () =>
    given([job(1), job(2), job(3)], { ...limits, cache: true })
      .groups()
      .when(missed('job(3)'))
      .groups(['job(3)']));

  it('does not hold back jobs that take none of it', () =>
    given([job(1), other(1)], { limits: { db: 0.5 }, ...batch({ limits: { db: 0.5 } }) })
      .when(claimed('s', 'job(1)'))
      .groups(['other(1)']));
});

describe('options', () => {
  it('of the call decide over the task’s, and those over the executor’s', () =>
    given(job.options({ vcpus: 3 })(1), {
      executors: { batch: { type: 'batch', vcpus: 1, memory: 1, image: 'tools:1' } },
      ...batch({ vcpus: 2, memory: 2 }),
    }).wants('job(1)', { vcpus: 3, memory: 2, image: 'tools:1' }));

  it('may be expressions, which are demanded first', () =>
    given(job.options({ memory: g() })(1))
      .demands('run g()')
      .when(returned('g()', 9))
      .wants('job(1)', { memory: 9 }));

  it('of the call name the executor, with what that says', () =>
    given(f.options({ executor: 'big' })(1), { executors: { big: { type: 'batch', memory: 64 } } })
      .demands('submit f(1)')
      .wants('f(1)', { executor: 'big', memory: 64 }));

  it('that name an inline executor run the job in the reducer', () =>
    given(job.options({ executor: 'inline' })(1)).demands('run job(1)'));

  it('that name an executor nobody knows fail the job, with advice', () =>
    given(f.options({ executor: 'bach' })(1))
      .demands()
      .failsWith(
        "TypeError: f: there is no executor 'bach'; redex.config.ts has inline, batch; did you mean 'batch'?",
      ));

  it.each([
    [{ memory: 'much' }, 'TypeError: f: the option \'memory\' must be a positive number of GiB, and is "much"'],
    [
      { memory: 8, memoryMax: 4 },
      "TypeError: f: the option 'memoryMax' must be no less than memory, which is 8, and is 4",
    ],
    [{ secrets: { KEY: { env: 'KEY' } } }, 'TypeError: f: secrets are for jobs'],
  ])('that cannot be fail the job: %j', (options, line) => {
    const { end } = given(f.options(options as never)(1))
      .demands()
      .when({ type: 'ended', at: 1 }).graph;
    expect(end?.status === 'FAILED' && errorLine(end.failure.error)).toContain(line);
  });

  it('that are undefined say nothing', () =>
    given(job.options({ memory: g() })(1), batch({ memory: 5 }))
      .when(returned('g()', undefined))
      .wants('job(1)', { memory: 5 }));

  it('that hold a large context are loaded as a whole first', () =>
    given(f.options({ context: { a: 'x'.repeat(2000) } })(1))
      .demands('load the whole of ()')
      .jobs()
      .when(computed({ context: { a: 'long' } }))
      .demands('run f(1)')
      .when(returned('f(1)', context('a')))
      .comesTo('long'));

  it('that fail, fail the call', () =>
    given(job.options({ memory: g() })(1))
      .when(failed('g()'))
      .failsWith('RangeError: bad', 'g'));
});

describe('an attempt', () => {
  it('that failed is followed by the next, while its cause has some left', () =>
    given(job(1))
      .when(claimed('s', 'job(1)'), failed('job(1)', 'machine-lost'))
      .demands('submit job(1), attempt 2')
      .jobs('job(1) PENDING'));

  it.each([
    ['not-started', 5],
    ['machine-lost', 5],
    ['out-of-memory', 3],
    ['image', 3],
    ['timed-out', 1],
    ['secret', 1],
    ['no-result', 1],
    ['program', 1],
    ['terminated', 1],
  ] as const)('that ended %s is the last after %i', (cause, most) => {
    const story = given(job(1));
    for (let attempt = 1; attempt <= most; attempt++) {
      story.demands(attempt === 1 ? 'submit job(1)' : `submit job(1), attempt ${attempt}`);
      story.when(claimed(`s${attempt}`, 'job(1)'), failed('job(1)', cause));
    }
    story.demands().jobs('job(1) FAILED');
  });

  it('stopped with its machine by the user is followed by another as often as that happens', () => {
    const story = given(job(1));
    for (let at = 1; at <= 20; at++) story.when(claimed(`s${at}`, 'job(1)'), failed('job(1)', 'interrupted'));
    story.demands('submit job(1), attempt 21');
  });

  it('counts for its own cause alone', () =>
    given(job(1))
      .when(
        claimed('a', 'job(1)'),
        failed('job(1)', 'out-of-memory'),
        claimed('b', 'job(1)'),
        failed('job(1)', 'image'),
      )
      .demands('submit job(1), attempt 3'));

  it('is one of as many as the options say', () =>
    given(job(1), batch({ attempts: { program: 2 } }))
      .when(claimed('a', 'job(1)'), failed('job(1)'))
      .demands('submit job(1), attempt 2')
      .when(claimed('b', 'job(1)'), failed('job(1)'))
      .demands());

  it('after OutOfMemory wants twice the memory, and then twice that', () =>
    given(job(1), batch({ memory: 3 }))
      .wants('job(1)', { memory: 3 })
      .when(claimed('a', 'job(1)'), failed('job(1)', 'out-of-memory'))
      .wants('job(1)', { memory: 6 })
      .when(claimed('b', 'job(1)'), failed('job(1)', 'out-of-memory'))
      .wants('job(1)', { memory: 12 }));

  it('still wants the memory it came to want after failing for another cause', () =>
    given(job(1), batch({ memory: 3 }))
      .when(claimed('a', 'job(1)'), failed('job(1)', 'out-of-memory'), claimed('b', 'job(1)'))
      .when(failed('job(1)', 'machine-lost'))
      .wants('job(1)', { memory: 6 }));

  it('wants 8 GiB after OutOfMemory when nothing was said of memory', () =>
    given(job(1))
      .wants('job(1)', { memory: undefined })
      .when(claimed('a', 'job(1)'), failed('job(1)', 'out-of-memory'))
      .wants('job(1)', { memory: 8 }));

  it('wants no more memory than memoryMax', () =>
    given(job(1), batch({ memory: 3, memoryMax: 5 }))
      .when(claimed('a', 'job(1)'), failed('job(1)', 'out-of-memory'))
      .wants('job(1)', { memory: 5 }));

  it.each(['not-started', 'machine-lost'] as const)(
    'after one that ended %s goes to the queue to fall back on',
    (cause) => {
      given(job(1), batch({ queue: 'spot', fallbackQueue: 'on-demand' }))
        .wants('job(1)', { queue: 'spot' })
        .when(claimed('a', 'job(1)'), failed('job(1)', cause))
        .wants('job(1)', { queue: 'on-demand' });
    },
  );

  it('after one that ran out of memory stays in its queue', () =>
    given(job(1), batch({ queue: 'spot', fallbackQueue: 'on-demand' }))
      .when(claimed('a', 'job(1)'), failed('job(1)', 'out-of-memory'))
      .wants('job(1)', { queue: 'spot' }));

  it('inside the reducer is tried again, too', () =>
    given(f(1), { tasks: { f: { attempts: { program: 2 } } } })
      .when(failed('f(1)'))
      .demands('run f(1), attempt 2'));

  it('that nobody needs any more runs on and is not tried again', () =>
    given(catchError([job(1), job(2)], 'Error', g))
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)'))
      .demands('run g(RangeError("bad"))')
      .jobs('job(1) FAILED', 'job(2) RUNNING', 'g(RangeError("bad")) PENDING')
      .when(failed('job(2)', 'machine-lost'))
      .demands('run g(RangeError("bad"))')
      .counts('job', { FAILED: 1, CANCELLED: 1 }));

  it('keeps the jobs of all contexts that share its work', () =>
    given([job(1), g.options({ context: { a: 1 } })()])
      .when(returned('g()', job(1)), claimed('s', 'job(1)'), failed('job(1)', 'machine-lost'))
      .jobs('job(1) PENDING', 'g() RUNNING', 'job(1) PENDING')
      .demands('submit job(1), attempt 2'));

  it('fails the jobs of all contexts that share its work, when it was the last', () =>
    given([job(1), g.options({ context: { a: 1 } })()])
      .when(returned('g()', job(1)), claimed('s', 'job(1)'), failed('job(1)'))
      .jobs('job(1) FAILED', 'g() FAILED', 'job(1) FAILED'));
});

describe('a submission', () => {
  it('that was withdrawn leaves its jobs ready, for the next attempt', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), withdrawn('s'))
      .demands('submit job(1), attempt 2', 'submit job(2), attempt 2')
      .jobs('job(1) PENDING', 'job(2) PENDING'));

  it('that was withdrawn counts as no failure', () =>
    given(job(1), batch({ attempts: { 'not-started': 1, program: 1 } }))
      .when(claimed('a', 'job(1)'), withdrawn('a'), claimed('b', 'job(1)'), returned('job(1)', 1))
      .comesTo(1));

  it('that was refused fails its jobs with the reason', () =>
    given([job(1)])
      .when(claimed('s', 'job(1)'), refused('s', 'no such queue'))
      .failsWith('SubmissionRefused: job could not be submitted: no such queue', 'job'));

  it('keeps the ids it was acknowledged with, also those of a second sending', () => {
    const story = given(job(1)).when(claimed('s', 'job(1)'), acknowledged('s', 'a'), acknowledged('s', 'b'));
    expect([...story.graph.submissions.values()].map(({ ids }) => ids)).toEqual([['a', 'b']]);
  });

  it('is taken over by another sender, as long as it was not acknowledged', () => {
    const story = given(job(1)).when(claimed('s', 'job(1)'));
    const again = story.factOf(claimed('s', 'job(1)'));
    story.when({ ...again, sender: 'second', deadline: 9 } as typeof again);
    expect([...story.graph.submissions.values()]).toMatchObject([{ sender: 'second', deadline: 9, open: 1 }]);
    story.when(acknowledged('s', 'id')).passesOver(again);
  });

  it('leaves the run nothing to do but to wait, once all is in flight', () => {
    const story = given([job(1), job(2)]).when(claimed('s', 'job(1)'));
    expect(hasWorkLeft(story.graph)).toBe(true);
    expect(hasWorkLeft(story.when(claimed('t', 'job(2)')).graph)).toBe(false);
  });

  it('is over when all its jobs have a verdict', () => {
    const story = given([job(1), job(2)]).when(claimed('s', 'job(1)', 'job(2)'), returned('job(2)', 2));
    expect([...story.graph.submissions.values()]).toMatchObject([{ open: 1 }]);
    expect(story.when(returned('job(1)', 1)).graph.submissions.size).toBe(0);
  });

  it('keeps the run from ending while a job of it has none', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)'))
      .passesOver({ type: 'ended', at: 1 })
      .when(returned('job(2)', 2))
      .failsWith('RangeError: bad', 'job'));

  it('may claim what is still looked up in the cache', () =>
    given(job(1), { cache: true })
      .demands('look up job(1)')
      .when(claimed('s', 'job(1)'))
      .demands()
      .jobs('job(1) RUNNING'));
});
