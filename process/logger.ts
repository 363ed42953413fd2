import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Structured logs on standard output, one JSON object a line. Secrets never reach a log call; the redaction is the second lock.
 * @param component which part of the service speaks: `api`, `worker`, …
 */
export function createLogger(component: string, level = 'info'): Logger {
  return pino({
    level,
    base: { component, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: [
        'req.headers.authorization',
        'headers.authorization',
        '*.privateKey',
        '*.apiV3Key',
        'payer',
        '*.payer',
        'openid',
        '*.openid',
      ],
      censor: '[redacted]',
    },
  });
}
