/** A Lambda environment: loads one function, and calls it with what comes, one after another. */
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [, , file, functionName] = process.argv;
const { handler } = await import(pathToFileURL(file).href);

process.on('message', async ({ id, event, timeoutMs }) => {
  const end = Date.now() + timeoutMs;
  const context = { awsRequestId: randomUUID(), functionName, getRemainingTimeInMillis: () => end - Date.now() };
  try {
    process.send({ id, ok: true, answer: await handler(event, context) });
  } catch (error) {
    process.send({ id, ok: false, error: String(error?.stack ?? error) });
  }
});
process.send({ ready: true });
