/** moto's server, where test/python-tools.sh was run: AWS services as somebody else understands them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pythonTool } from './python-tools.ts';

const SERVER = pythonTool('moto_server');

export function hasMoto(): boolean {
  return SERVER !== undefined;
}

export interface Moto {
  /** Settings of SDK clients. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** A request as services with a query interface take it, without an SDK. */
  query(service: string, parameters: Readonly<Record<string, string>>): Promise<string>;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';

export async function startMoto(): Promise<Moto> {
  if (SERVER === undefined) throw new Error('there is no moto here');
  const server = spawn(SERVER, ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = '';
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`moto_server ended: ${said}`)));
    server.stderr.on('data', (data: Buffer) => {
      said += data.toString();
      const url = /Running on (http:\/\/[\d.:]+)/.exec(said)?.[1];
      if (url) resolve(url);
    });
  });
  // Jobs end by themselves, without Docker.
  await fetch(`${endpoint}/moto-api/config`, {
    method: 'POST',
    body: JSON.stringify({ batch: { use_docker: false } }),
  });
  return {
    client: { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
    async query(service, parameters) {
      const authorization = `AWS4-HMAC-SHA256 Credential=test/20300101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
      const body = new URLSearchParams(parameters);
      return (await fetch(endpoint, { method: 'POST', headers: { authorization }, body })).text();
    },
    async stop() {
      server.removeAllListeners('exit');
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}
