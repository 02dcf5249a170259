import { describe, expect, it } from 'vitest';
import { isEmpty, type LocalMessage, noMessages, receive, receiveAt, settle } from '../../local/messages.ts';

const message = (id: string, more: Partial<LocalMessage> = {}): LocalMessage => ({
  id,
  body: id,
  dueAt: 0,
  receives: 0,
  ...more,
});
const idsOf = (messages: readonly LocalMessage[]) => messages.map(({ id }) => id);
const RETRY_MS = 200;

function withMessages(...sent: LocalMessage[]) {
  return { ...noMessages<LocalMessage>(), waiting: sent };
}

describe('the messages of a queue', () => {
  it('are received when they are due, each counted, and in the order in which they were sent', () => {
    const messages = withMessages(message('late', { dueAt: 101 }), message('b', { dueAt: 100 }), message('a'));
    expect(receive(messages, 100)).toEqual([message('b', { dueAt: 100, receives: 1 }), message('a', { receives: 1 })]);
    expect(idsOf(messages.waiting)).toEqual(['late']);
  });

  it('are a hundred at most in a batch', () => {
    const messages = withMessages(...Array.from({ length: 101 }, (_, at) => message(`m${at}`)));
    expect(receive(messages, 0)).toHaveLength(100);
    expect(idsOf(messages.waiting)).toEqual(['m100']);
  });

  it('are looked at when the first of them is due, and has had time for company', () => {
    expect(receiveAt(withMessages(message('b', { dueAt: 200 }), message('a', { dueAt: 100 })))).toBe(115);
    expect(receiveAt(noMessages())).toBeUndefined();
  });

  it('are gone when the handler has taken them', () => {
    const messages = withMessages(message('a'));
    const [taken] = receive(messages, 0);
    expect(isEmpty(messages)).toBe(false);
    expect(settle(messages, new Map(), 0, RETRY_MS)).toEqual([{ kind: 'accepted', message: taken }]);
    expect(isEmpty(messages)).toBe(true);
  });

  it('come again with their reason, each time after twice as long, and after half a minute at most', () => {
    const messages = withMessages(message('a'));
    const waits: number[] = [];
    for (let time = 1, now = 0; time < 10; time++) {
      receive(messages, now);
      const [fate] = settle(messages, new Map([['a', 'no database']]), now, RETRY_MS);
      expect(fate).toMatchObject({ kind: 'again', reason: 'no database', message: { receives: time } });
      const dueAt = fate?.message.dueAt ?? 0;
      waits.push(dueAt - now);
      now = dueAt;
    }
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
  });

  it('are given up after ten times, and then nothing of them is left', () => {
    const messages = withMessages(message('a', { receives: 9 }));
    receive(messages, 0);
    expect(settle(messages, new Map([['a', 'poison']]), 0, RETRY_MS)).toEqual([
      { kind: 'dead', message: message('a', { receives: 10 }), reason: 'poison' },
    ]);
    expect(isEmpty(messages)).toBe(true);
  });

  it('stay where they are once the queue was stopped', () => {
    const messages = withMessages(message('a'));
    messages.isStopped = true;
    expect([receive(messages, 0), receiveAt(messages)]).toEqual([[], undefined]);
    expect(isEmpty(messages)).toBe(false);
  });
});
