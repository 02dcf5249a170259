/** The queue of events: what becomes of messages that were not handled. */
import { ChangeMessageVisibilityBatchCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { chunked } from './batches.ts';

/** What SQS takes in one request. */
const ENTRIES_MAX = 10;

export interface EventQueue {
  /** Sends the messages once more, as new ones that have never been received. Throws when one was not taken. */
  again(bodies: readonly string[]): Promise<void>;
  /** Lets received messages come again after so many seconds, and not only when the time they are hidden for ends. */
  showAfter(messages: readonly { readonly receipt: string; readonly seconds: number }[]): Promise<void>;
}

export function sqsQueue(client: SQSClient, url: string): EventQueue {
  return {
    async again(bodies) {
      for (const part of chunked(bodies, ENTRIES_MAX)) {
        const Entries = part.map((MessageBody, at) => ({ Id: String(at), MessageBody }));
        const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
        const [failed] = Failed;
        if (failed) throw new Error(`the queue did not take an event again: ${failed.Code} ${failed.Message ?? ''}`);
      }
    },
    async showAfter(messages) {
      for (const part of chunked(messages, ENTRIES_MAX)) {
        const Entries = part.map(({ receipt, seconds }, at) => ({
          Id: String(at),
          ReceiptHandle: receipt,
          VisibilityTimeout: seconds,
        }));
        // One that is late comes again all the same, later.
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));
      }
    },
  };
}
