import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import QRCode from 'qrcode';
import { openPaysagaApi, type PaysagaApi, Refusal, refusal } from './paysaga-api.ts';
import {
  type LinkTargets,
  type PaymentResource,
  paymentView,
  type RefundResource,
  refundView,
} from './views.ts';
import { parseYuan } from './yuan.ts';

/** What the demo shop needs. */
export interface CheckoutOptions extends LinkTargets {
  /** 0 lets the system choose. */
  port: number;
  /** 127.0.0.1 unless told. */
  host?: string;
  apiUrl: string;
  /** Key of a tenant with one merchant. */
  apiKey: string;
  /** The simulated gateway, whose scan page stands for the customer's phone. */
  simulatorUrl: string;
  /** Temporal's web UI; without it the page has no links to workflows. */
  temporalUiUrl?: string;
}

/** A running demo shop. */
export interface Checkout {
  /** The page, ending in `/checkout`. */
  url: string;
  close(): Promise<void>;
}

/** How long a customer may take to pay, in seconds. */
const EXPIRES_IN = 15 * 60;

/** Everything else in this folder is nobody's business but the server's. */
const PAGE_FILES = ['page.css', 'shelf.css', 'payment.css', 'page.js', 'payment-view.js', 'problem-words.js'];

/** The page loads nothing from anywhere else. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Starts a small shop with a WeChat Pay checkout: what a merchant's own backend does with paysaga, in one page. It holds the API key and
 * talks to the API only.
 * @throws when the port is taken.
 */
export async function startCheckout(options: CheckoutOptions): Promise<Checkout> {
  const { port, host = '127.0.0.1' } = options;
  const api = openPaysagaApi(options);
  const server = createShop(api, options).listen(port, host);
  await once(server, 'listening');
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${actual}/checkout`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      // An open page asks every second; its connections would keep the server up.
      server.closeAllConnections();
      await Promise.all([closed, api.close()]);
    },
  };
}

function createShop(api: PaysagaApi, targets: LinkTargets): Express {
  const shop = express();
  shop.disable('x-powered-by');
  shop.use(harmless, jsonOnly, express.json({ limit: '4kb' }));
  shop.get('/', (_request, response) => response.redirect('/checkout'));
  shop.get('/checkout', (_request, response) =>
    response.sendFile('page.html', { root: import.meta.dirname }),
  );
  for (const file of PAGE_FILES) {
    shop.get(`/checkout/${file}`, (_request, response) =>
      response.sendFile(file, { root: import.meta.dirname }),
    );
  }

  shop.get('/checkout/qr.svg', async (request, response) => {
    const codeUrl = String(request.query.code_url ?? '');
    // WeChat Pay's are up to 64 characters long (official Native order page); a long one would only make an unreadable picture.
    if (codeUrl === '' || codeUrl.length > 256)
      throw refusal(400, 'invalid_code_url', 'There is no code_url');
    // The margin of four modules is part of a QR code.
    response.type('svg').send(await QRCode.toString(codeUrl, { type: 'svg', margin: 4 }));
  });

  shop.post('/checkout/payments', async (request, response) => {
    const { amount, description } = request.body;
    const total = parseYuan(String(amount));
    if (total === undefined) throw refusal(422, 'invalid_amount', 'This is not an amount in yuan');
    const payment = await api.call<PaymentResource>('POST', '/v1/payments', {
      body: { description, amount: { total }, expires_in: EXPIRES_IN },
      // The page makes the key, once per attempt: a double click, or a repeat after a lost answer, finds the same payment.
      key: request.get('idempotency-key'),
    });
    response.status(201).json(paymentView(payment, targets));
  });

  shop.get('/checkout/payments/:id', async (request, response) => {
    const payment = await api.call<PaymentResource>('GET', paymentPath(request.params.id));
    response.json(paymentView(payment, targets));
  });

  shop.post('/checkout/payments/:id/close', async (request, response) => {
    const payment = await api.call<PaymentResource>('POST', `${paymentPath(request.params.id)}/close`, {
      body: { reason: 'cancelled by the customer' },
    });
    response.json(paymentView(payment, targets));
  });

  // Without an amount the API refunds the whole payment. In a real shop only its staff may do this.
  shop.post('/checkout/payments/:id/refund', async (request, response) => {
    const refund = await api.call<RefundResource>('POST', `${paymentPath(request.params.id)}/refunds`, {
      body: { reason: 'Goods returned 退货' },
      key: request.get('idempotency-key'),
    });
    response.status(201).json(refundView(refund, targets));
  });

  shop.get('/checkout/refunds/:id', async (request, response) => {
    const id = encodeURIComponent(request.params.id);
    response.json(refundView(await api.call<RefundResource>('GET', `/v1/refunds/${id}`), targets));
  });

  shop.use(() => {
    throw refusal(404, 'not_found', 'There is no such page');
  });
  shop.use(answerRefusal);
  return shop;
}

function paymentPath(id: string): string {
  return `/v1/payments/${encodeURIComponent(id)}`;
}

const harmless: RequestHandler = (_request, response, next) => {
  response.set({
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  next();
};

/** A form on another site cannot send JSON without asking first, so it can neither order nor refund. */
const jsonOnly: RequestHandler = (request, _response, next) => {
  if (request.method !== 'GET' && !request.is('application/json')) {
    throw refusal(415, 'unsupported_media_type', 'The shop reads JSON only');
  }
  next();
};

/** Problems of the API go to the page as they are; the page has the words. */
const answerRefusal: ErrorRequestHandler = (error, _request, response, _next) => {
  const { status, problem } = error instanceof Refusal ? error : unexpected(error);
  response.status(status).type('application/problem+json').send(JSON.stringify(problem));
};

function unexpected(error: { status?: number; message?: string }): Refusal {
  // body-parser's refusals have a status.
  if (error.status !== undefined && error.status < 500) {
    return refusal(error.status, 'bad_request', `The request cannot be read: ${error.message}`);
  }
  console.error(error);
  return refusal(500, 'shop_failed', 'The shop itself failed');
}
