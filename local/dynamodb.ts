/** The embedded DynamoDB: dynalite on loopback, with its data in a folder that survives a kill. */
import { ClassicLevel } from 'classic-level';
import dynalite from 'dynalite';
import { listenOnLoopback } from './loopback.ts';

export interface DynamoDb {
  /** Endpoint for SDK clients; whoever does not know its secret path is refused. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it on the data in `folder`, which one process at a time may have open; `secret` is the path of its endpoint. */
export async function openDynamoDb(folder: string, secret: string): Promise<DynamoDb> {
  const server = dynalite({ path: folder, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  // A connection that this end closes just when a client takes it up again is a request lost; a hundred at once are
  // more than the SDK tries again.
  server.keepAliveTimeout = 0;
  const [answer] = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (!request.url?.startsWith(`/${secret}`)) {
      response.writeHead(403).end();
      return;
    }
    request.url = '/';
    answer?.(request, response);
  });
  return {
    url: `${await listenOnLoopback(server)}/${secret}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        // Clients keep their connections open for further requests; close() would wait for them.
        server.closeAllConnections();
      }),
  };
}

/** Opens the data in `folder`, which nobody may have open, and closes it. Throws what LevelDB finds wrong with it. */
export async function tryDatabase(folder: string): Promise<void> {
  const level = new ClassicLevel(folder, { createIfMissing: false });
  await level.open();
  await level.close();
}
