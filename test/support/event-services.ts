/** EventBridge and SQS as far as the functions use them: what is sent is kept, or given to whoever hears. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { close } from './fault-proxy.ts';

export interface EventServices {
  /** Variables of functions that use it. */
  readonly variables: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** `hear` is given each message for the queue, whatever delay it asks for. */
export async function startEventServices(hear: (body: string) => void = () => undefined): Promise<EventServices> {
  const server = createServer((request, response) => {
    json(request).then((asked) => {
      const { MessageBody: body } = asked as { readonly MessageBody?: string };
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      if (body === undefined) {
        response.end('{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}');
        return;
      }
      const MD5OfMessageBody = createHash('md5').update(body).digest('hex');
      response.end(JSON.stringify({ MessageId: randomUUID(), MD5OfMessageBody }));
      hear(body);
    }, response.destroy);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    variables: {
      AWS_ENDPOINT_URL_EVENTBRIDGE: url,
      AWS_ENDPOINT_URL_SQS: url,
      REDEX_EVENTS: `${url}/events`,
    },
    stop: () => close(server),
  };
}
