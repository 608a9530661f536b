import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * The log: JSON lines on standard error, so that what the console shows a person stays readable. It is given ids
 * and codes, never a request's body, headers or a row.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: false }));
}
