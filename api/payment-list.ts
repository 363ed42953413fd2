import type { RequestHandler } from 'express';
import { listPayments } from '../database/payment-list.ts';
import type { Pool } from '../database/pool.ts';
import { caller } from './authentication.ts';
import { listResource } from './lists.ts';
import { paymentResource } from './payment-resource.ts';
import { invalidFields } from './problems.ts';
import { ListPayments, parseBody } from './schemas.ts';

/** `GET /v1/payments`: the caller's payments, newest first, a page at a time. */
export function listOfPayments(pool: Pool): RequestHandler {
  return async (request, response) => {
    const { tenantId } = caller(response);
    const {
      attention,
      status,
      order_reference: orderReference,
      limit,
      ...cursor
    } = parseBody(ListPayments, request.query);
    const page = await listPayments(
      pool,
      { tenantId, attention, status, orderReference },
      { limit, startingAfter: cursor.starting_after, endingBefore: cursor.ending_before },
    );
    if (!page) {
      const name = cursor.ending_before === undefined ? 'starting_after' : 'ending_before';
      throw invalidFields([{ pointer: `/${name}`, detail: 'is not the id of one of your payments' }]);
    }
    response.json(
      listResource(
        page.payments.map((payment) => paymentResource(payment)),
        page.hasMore,
      ),
    );
  };
}
