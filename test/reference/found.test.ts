/** Programs that random search found to differ from the reference, as it shrank them. Each stays fixed. */
import { describe, it } from 'vitest';
import { check, referenceWorld } from './comparison.ts';
import { CALM, through } from './disturbances.ts';
import type { Program } from './vocabulary.ts';

const failure: Program = ['call', 'failHeavy', ['TypeError', 'z']];
const bigContext: Program = ['record', { a: ['big', 1] }];
const bigTask: Program = ['task', 'pair', [['big', 1]]];

const FOUND: Readonly<Record<string, Program>> = {
  'a failure that a catchAll shares with one of its terms is caught by it': [
    'form',
    'catchAll',
    [
      ['list', [['list', [0, failure, 0]], failure]],
      ['list', ['Error']],
      ['task', 'show', []],
    ],
  ],
  'catchAll takes terms that are a large value': ['form', 'catchAll', [['list', [['big', 1]]]]],
  'an override of the context may be large': ['call', 'where', ['a'], { context: bigContext }],
  'an override of the context may come to be large': [
    'call',
    'where',
    ['a'],
    { context: ['record', { a: ['call', 'setting', [2]] }] },
  ],
  'map applies a task that is bound to something large': ['form', 'map', [bigTask, ['list', [1, 2]]]],
  'a task that is bound to something large recovers': [
    'form',
    'catchError',
    [failure, ['list', ['Error']], ['task', 'instead', [['big', 1]]]],
  ],
  'a large error is thrown again as it is': [
    'form',
    'catchError',
    [
      [
        'form',
        'catchError',
        [
          ['call', 'failBig', [1]],
          ['list', ['Error']],
          ['task', 'rethrow', []],
        ],
      ],
      ['list', ['RangeError']],
      ['task', 'show', []],
    ],
  ],
  'a large text is thrown as a message': ['form', 'throwError', [['call', 'big', [1]]]],
  'a set and a map hold -0 as 0': [
    'list',
    [
      ['set', [['call', 'plus', [-0, -0]], 0]],
      ['map', [[['call', 'plus', [-0, -0]], 1]]],
    ],
  ],
};

describe('programs that differed once', () => {
  for (const [behaviour, program] of Object.entries(FOUND)) {
    it(behaviour, async () => {
      await check(referenceWorld(), program, through(CALM));
    });
  }
});
