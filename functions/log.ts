/**
 * The log of the functions, by Powertools: one JSON line an event, on standard error, where Lambda looks for it, or in the
 * file that the local cloud names. It holds runs, messages and errors; no arguments, no values and no secrets.
 */
import { LogFormatter, Logger, LogItem, LogLevelThreshold } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import type { Context } from 'aws-lambda';
import { type LogSettings, logSettings } from '../core/environment.ts';
import { appendLine } from './log-file.ts';
import { perEnvironment } from './per-environment.ts';

type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  readonly settings: LogSettings;
  info(message: string, fields?: LogFields): void;
  /** What does no harm, or passes by itself. */
  warn(message: string, fields?: LogFields): void;
  /** What somebody should look at. */
  error(message: string, fields?: LogFields): void;
  /**
   * Lines say from now on which invocation they are of. In a local cloud invocations run beside one another, and nobody else
   * knows of their ids.
   */
  beginInvocation(context: Context): void;
}

/** The log of an environment. */
export const logOf = /* @__PURE__ */ perEnvironment((environment): Log => {
  const settings = logSettings(environment);
  const logger = new LineLogger(settings);
  return {
    settings,
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
    beginInvocation: (context) => {
      if (settings.file === undefined) logger.addContext(context);
    },
  };
});

/** Of JSON, on standard error. */
export function writeLine(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Names as Powertools have them, and of the context no more than tells invocations apart: a line costs by its length. */
class Format extends LogFormatter {
  override formatAttributes(own: UnformattedAttributes, added: LogAttributes): LogItem {
    const { logLevel, message, timestamp, serviceName, lambdaContext, xRayTraceId } = own;
    const attributes = {
      level: logLevel,
      message,
      timestamp: timestamp.toISOString(),
      service: serviceName,
      cold_start: lambdaContext?.coldStart,
      function_name: lambdaContext?.functionName,
      function_request_id: lambdaContext?.awsRequestId,
      xray_trace_id: xRayTraceId,
    };
    return new LogItem({ attributes }).addAttributes(added);
  }
}

/** Each on one line, also where Powertools are asked to be pretty. */
class LineLogger extends Logger {
  readonly #file: string | undefined;

  constructor({ service, file }: LogSettings) {
    super({ serviceName: service, logFormatter: new Format() });
    this.#file = file;
  }

  protected override printLog(level: number, item: LogItem): void {
    item.prepareForPrint();
    const attributes = item.getAttributes();
    const line = JSON.stringify(attributes, this.getJsonReplacer());
    const isTrouble = level >= LogLevelThreshold.ERROR;
    if (this.#file === undefined) writeLine(line);
    else appendLine(this.#file, line, isTrouble ? String(attributes.message) : undefined);
  }
}
