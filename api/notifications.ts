import express, { type RequestHandler, Router } from 'express';
import { findCombinedByNumber } from '../database/combined-payments.ts';
import { payeeTenant } from '../database/merchants.ts';
import { type Finding, storeRawNotification, storeVerdict } from '../database/notifications.ts';
import { findPaymentByNumber } from '../database/payments.ts';
import type { Pool } from '../database/pool.ts';
import { findRefundByNumber } from '../database/refunds.ts';
import { NOTIFICATION_VERDICTS } from '../domain/errors.ts';
import { combinedWorkflowId, paymentWorkflowId, refundWorkflowId } from '../domain/identity.ts';
import type { MerchantGateway, Merchants } from '../gateway/merchants.ts';
import type { Logger } from '../process/logger.ts';
import { type Notification, NotificationError } from '../wechatpay/index.ts';
import { onlyMethods, Problem } from './problems.ts';

/**
 * `POST /v1/notifications/{merchant_id}`: where WeChat Pay posts. Raw first: headers and exact bytes are committed before anything looks
 * at them. Then verify, decrypt, recognise copies, and store the verdict. An accepted notification is handed on by the worker's relay, so it is
 * acknowledged even when Temporal is down; one that could not be stored is answered 5xx, and WeChat Pay sends it again.
 */
export function notificationRoutes({
  pool,
  merchants,
  log,
}: {
  pool: Pool;
  merchants: Merchants;
  log: Logger;
}): Router {
  const router = Router();
  router
    .route('/:merchantId')
    .post(asItCame, express.raw({ type: () => true, limit: '64kb' }), async (request, response) => {
      const merchantId = String(request.params.merchantId);
      const tenantId = await payeeTenant(pool, merchantId);
      if (tenantId === undefined)
        throw new Problem('not_found', 'No payments are taken through such a merchant.');
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const id = await storeRawNotification(pool, {
        tenantId,
        merchantId,
        headers: request.rawHeaders,
        body,
      });
      const finding = await examine(await merchants.get(merchantId), request.headers, body);
      const verdict = await storeVerdict(pool, id, finding);
      log.info(
        {
          notification: id,
          verdict,
          detail: finding.detail,
          event_type: finding.eventType,
          subject: finding.subject?.id,
          request_id: response.locals.requestId,
        },
        'notification',
      );
      const { status } = NOTIFICATION_VERDICTS[verdict];
      if (status === 204) response.status(204).end();
      else response.status(status).json({ code: 'FAIL', message: verdict });
    })
    .all(onlyMethods('POST'));
  return router;

  /** Verifies, decrypts and finds the payment or refund it is about. */
  async function examine(
    merchant: MerchantGateway,
    headers: NodeJS.Dict<string | string[]>,
    body: Buffer,
  ): Promise<Finding> {
    let notification: AnyNotification;
    try {
      notification = await merchant.wechat.notifications.open({ headers, body });
    } catch (error) {
      if (!(error instanceof NotificationError)) throw error;
      return { verdict: error.verdict, detail: error.message };
    }
    const known = {
      notificationId: notification.id,
      eventType: notification.event_type,
      resource: notification.resource,
    };
    const subject = await findSubject(merchant, notification);
    if (subject === 'ignored') return { verdict: 'ignored', ...known };
    return subject ? { verdict: 'accepted', ...known, subject } : { verdict: 'unmatched', ...known };
  }

  async function findSubject(
    merchant: MerchantGateway,
    notification: AnyNotification,
  ): Promise<Finding['subject'] | 'ignored'> {
    switch (notification.kind) {
      case 'transaction': {
        const { out_trade_no: outTradeNo } = notification.resource;
        const payment = await findPaymentByNumber(pool, merchant.merchantId, outTradeNo);
        return payment && { id: payment.id, workflowId: paymentWorkflowId(payment.mchid, outTradeNo) };
      }
      case 'combined': {
        const { combine_out_trade_no: number } = notification.resource;
        const combined = await findCombinedByNumber(pool, merchant.merchantId, number);
        return combined && { id: combined.id, workflowId: combinedWorkflowId(combined.mchid, number) };
      }
      case 'refund': {
        const { out_refund_no: outRefundNo } = notification.resource;
        const refund = await findRefundByNumber(pool, merchant.merchantId, outRefundNo);
        return refund && { id: refund.id, workflowId: refundWorkflowId(refund.mchid, outRefundNo) };
      }
      default:
        return 'ignored';
    }
  }
}

/** What is posted to a merchant, or to a service provider. */
type AnyNotification = Notification | Notification<'partner'>;

/** Keeps the body reader from inflating: the exact bytes are what is stored and what the signature covers. */
const asItCame: RequestHandler = (request, _response, next) => {
  delete request.headers['content-encoding'];
  next();
};
