import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import express, { type Express, type RequestHandler } from 'express';
import type { Pool } from '../database/pool.ts';
import type { Merchants } from '../gateway/merchants.ts';
import { NOTIFICATIONS_PATH } from '../gateway/notify-url.ts';
import type { Logger } from '../process/logger.ts';
import { authenticate } from './authentication.ts';
import { combinedPaymentRoutes } from './combined-payments.ts';
import { limitDownloads } from './downloads.ts';
import { exportRoutes } from './exports.ts';
import { healthRoutes } from './health.ts';
import { latePaymentRoutes } from './late-payments.ts';
import { ledgerRoutes } from './ledger.ts';
import { notificationListRoutes } from './notification-list.ts';
import { notificationRoutes } from './notifications.ts';
import { paymentRoutes } from './payments.ts';
import { notFound, Problem, problemHandler } from './problems.ts';
import { reconciliationRoutes } from './reconciliations.ts';
import { refundDecisionRoutes } from './refund-decisions.ts';
import { refundRoutes } from './refunds.ts';
import type { Sagas } from './sagas.ts';

/** What the API needs from the outside. */
export interface ApiDependencies {
  pool: Pool;
  client: Client;
  sagas: Sagas;
  merchants: Merchants;
  log: Logger;
  /** Unix time in milliseconds. */
  clock?: () => number;
  /** True once shutdown has begun: load balancers are told by `/readyz`. */
  isStopping?: () => boolean;
}

/** Largest request body. */
const BODY_LIMIT = '64kb';

/** The Express application: resources for the merchant's backend, the door for WeChat Pay's notifications, health. */
export function createApp({
  pool,
  client,
  sagas,
  merchants,
  log,
  clock = Date.now,
  isStopping = () => false,
}: ApiDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestLog(log));
  app.use(healthRoutes({ pool, client, isStopping }));
  app.use(NOTIFICATIONS_PATH, notificationRoutes({ pool, merchants, log }));
  app.use(
    '/v1',
    authenticate(pool),
    requireJson,
    express.json({ limit: BODY_LIMIT, verify: requireUtf8, strict: false }),
  );
  app.use('/v1/payments', paymentRoutes({ pool, sagas, merchants, clock }));
  app.use('/v1/combined-payments', combinedPaymentRoutes({ pool, sagas, merchants, clock }));
  app.use('/v1', refundRoutes({ pool, sagas, clock }));
  app.use('/v1', refundDecisionRoutes({ pool, sagas, merchants }));
  app.use('/v1', latePaymentRoutes({ pool }));
  app.use(NOTIFICATIONS_PATH, notificationListRoutes({ pool }));
  app.use('/v1', reconciliationRoutes({ pool, clock }));
  const downloads = limitDownloads(pool);
  app.use('/v1/ledger', ledgerRoutes({ pool, downloads }));
  app.use('/v1/exports', exportRoutes({ pool, downloads, clock }));
  app.use(notFound);
  app.use(problemHandler(log));
  return app;
}

/** Gives every request an id, taken from the caller if it is harmless, and logs one line when it is answered. */
function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id');
    const requestId = given && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
    const started = performance.now();
    response.locals.requestId = requestId;
    response.set('x-request-id', requestId);
    response.set('cache-control', 'no-store');
    response.on('finish', () => {
      const line = {
        request_id: requestId,
        method: request.method,
        // Without the query: nothing private belongs there, but callers err.
        path: request.originalUrl.split('?')[0],
        status: response.statusCode,
        ms: Math.round(performance.now() - started),
      };
      if (line.path === '/healthz' || line.path === '/readyz') log.debug(line, 'request');
      else log.info(line, 'request');
    });
    next();
  };
}

/** The parser would replace what is not UTF-8 by question marks, and store them. */
function requireUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new Problem('malformed_json', 'Send one JSON object, encoded in UTF-8.');
}

/** A body of another type would be silently ignored; it is refused instead. */
const requireJson: RequestHandler = (request, _response, next) => {
  const hasBody =
    request.get('transfer-encoding') !== undefined || Number(request.get('content-length') ?? 0) > 0;
  if (hasBody && !request.is('application/json')) {
    throw new Problem('unsupported_media_type', 'Send `Content-Type: application/json`.');
  }
  next();
};
