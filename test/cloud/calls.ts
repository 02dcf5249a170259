/** Lambda as those call it who name a function: Invoke, with an answer. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { close } from '../support/fault-proxy.ts';

export interface Calls {
  readonly url: string;
  close(): Promise<void>;
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

export async function openCalls(invoke: (name: string, event: unknown) => Promise<unknown>): Promise<Calls> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const [, name] = INVOKE.exec(new URL(request.url ?? '/', 'http://lambda').pathname) ?? [];
      if (name === undefined) return void response.writeHead(404).end();
      const answered = await invoke(name, JSON.parse((await text(request)) || 'null'));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    };
    answer().catch((error: unknown) => {
      response
        .writeHead(200, { 'x-amz-function-error': 'Unhandled' })
        .end(JSON.stringify({ errorMessage: String(error) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => close(server) };
}
