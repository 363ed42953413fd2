import { createHash, timingSafeEqual } from 'node:crypto';
import type { PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { CodecError } from './payload-codec.ts';

const wire = proto.temporal.api.common.v1.Payload;

/** A payload in JSON; bytes are base64. */
interface JsonPayload {
  metadata?: Record<string, string> | null;
  data?: string | null;
}

/** More than Temporal lets a message have, in base64. */
const LIMIT = '8mb';

/**
 * The door through which Temporal's web UI and command line read what the codec encrypted: `POST /decode` and `POST /encode`, with the
 * body of Temporal's codec server protocol, `{"payloads": [{"metadata": {…base64}, "data": base64}]}`.
 *
 * A browser gets through only from a page of `uiOrigins`; browsers name the page in `Origin` and pages cannot forge it.
 * @param token what callers must bring as `Authorization: Bearer …`; without it everybody who reaches the port may read.
 */
export function createCodecServer({
  codec,
  uiOrigins,
  token,
  onRequest = () => {},
}: {
  codec: PayloadCodec;
  /** Such as `http://127.0.0.1:8233`. */
  uiOrigins: readonly string[];
  token?: string | undefined;
  /** Is told who asked for what, never the content. */
  onRequest?: (request: {
    operation: string;
    status: number;
    payloads: number;
    namespace: string | undefined;
  }) => void;
}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));

  app.use((request, response, next) => {
    const { origin } = request.headers;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined) return next();
    if (!uiOrigins.includes(origin)) {
      return void response.status(403).json({ message: `pages of ${origin} may not ask` });
    }
    response.setHeader('Access-Control-Allow-Origin', origin);
    if (request.method !== 'OPTIONS') return next();
    response.setHeader('Access-Control-Allow-Methods', 'POST');
    response.setHeader('Access-Control-Allow-Headers', 'Content-Type, X-Namespace, Authorization');
    response.status(204).end();
  });
  if (token !== undefined) app.use(requireToken(token));

  const json = express.json({ limit: LIMIT, type: 'application/json' });
  const operations = { decode: codec.decode, encode: codec.encode } as const;
  for (const [operation, work] of Object.entries(operations)) {
    app.post(`/${operation}`, json, async (request, response) => {
      const told = (status: number, payloads: number) =>
        onRequest({ operation, status, payloads, namespace: request.header('x-namespace') });
      const payloads = payloadsOf(request.body);
      if (!payloads) {
        told(400, 0);
        response
          .status(400)
          .json({ message: 'the body must be {"payloads": [{"metadata": {}, "data": ""}]}' });
        return;
      }
      try {
        const done = await work(payloads.map((payload) => wire.fromObject(payload)));
        told(200, payloads.length);
        response.json({
          payloads: done.map((payload) => wire.toObject(wire.fromObject(payload), { bytes: String })),
        });
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        told(422, payloads.length);
        response.status(422).json({ message: error.message });
      }
    });
  }
  app.use((_request, response) => void response.status(404).json({ message: 'POST /decode or /encode' }));
  app.use(refuse);
  return app;
}

function requireToken(token: string): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(`Bearer ${token}`);
  return (request, response, next) => {
    // A digest of either has the same length, whatever somebody sends.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), wanted)) return next();
    response.status(401).set('WWW-Authenticate', 'Bearer').json({ message: 'the token is missing or wrong' });
  };
}

/** No payloads is an empty object: Temporal's command line writes it so. */
function payloadsOf(body: unknown): JsonPayload[] | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { payloads = [] } = body as { payloads?: unknown };
  return Array.isArray(payloads) && payloads.every(isPayload) ? payloads : undefined;
}

function isPayload(value: unknown): value is JsonPayload {
  if (typeof value !== 'object' || value === null) return false;
  const { metadata, data } = value as { metadata?: unknown; data?: unknown };
  const isText = (field: unknown) => field === undefined || field === null || typeof field === 'string';
  if (!isText(data)) return false;
  if (metadata === undefined || metadata === null) return true;
  return typeof metadata === 'object' && Object.values(metadata).every((entry) => typeof entry === 'string');
}

/** Too large, not JSON: the body parser says which; anything else is a defect, and its text is nobody's business. */
const refuse: ErrorRequestHandler = (
  error: { status?: number; message?: string },
  _request,
  response,
  next,
) => {
  if (response.headersSent) return next(error);
  const status = error.status ?? 500;
  response.status(status).json({ message: status < 500 ? error.message : 'internal error' });
};
