import type { RequestHandler } from 'express';
import { listPayments } from '../database/payment-list.ts';
import type { Pool } from '../database/pool.ts';
import { caller } from './authentication.ts';
import { pageOf, pageResource } from './lists.ts';
import { paymentResource } from './payment-resource.ts';
import { ListPayments, parseBody } from './schemas.ts';

/** `GET /v1/payments`: the caller's payments, newest first, a page at a time. */
export function listOfPayments(pool: Pool): RequestHandler {
  return async (request, response) => {
    const { tenantId } = caller(response);
    const query = parseBody(ListPayments, request.query);
    const { attention, status, order_reference: orderReference } = query;
    const page = await listPayments(pool, { tenantId, attention, status, orderReference }, pageOf(query));
    response.json(pageResource(page, query, 'your payments', (payment) => paymentResource(payment)));
  };
}
