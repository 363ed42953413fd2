import { Router } from 'express';
import type { Pool } from '../database/pool.ts';
import { payoutFailure } from '../database/refund-payouts.ts';
import type { Refund } from '../database/refunds.ts';
import type { Merchants } from '../gateway/merchants.ts';
import { storePayout } from '../gateway/payouts.ts';
import { WechatPayError } from '../wechatpay/index.ts';
import type { RefundChoice } from '../workflows/messages.ts';
import { caller } from './authentication.ts';
import { onlyMethods, Problem } from './problems.ts';
import { RecheckRefund, ResolveRefund } from './refund-schemas.ts';
import { requestedRefund, shown } from './refunds.ts';
import type { Sagas } from './sagas.ts';
import { parseBody } from './schemas.ts';

/** What people decide about a refund that needs an operator: `/v1/refunds/{id}/recheck` and `/v1/refunds/{id}/resolve` */
export function refundDecisionRoutes({
  pool,
  sagas,
  merchants,
}: {
  pool: Pool;
  sagas: Sagas;
  merchants: Merchants;
}): Router {
  const router = Router();

  router
    .route('/refunds/:id/recheck')
    .post(async (request, response) => {
      const { reason } = parseBody(RecheckRefund, request.body);
      const refund = await requestedRefund(pool, request, response);
      if (refund.attention === 'none') {
        throw new Problem('refund_needs_no_operator', `The refund is ${refund.status}; nothing waits.`);
      }
      if (!(await sagas.recheckRefund(refund, { actor: caller(response).id, reason }))) throw notNow();
      response.status(202).json(await shown(pool, await requestedRefund(pool, request, response)));
    })
    .all(onlyMethods('POST'));

  router
    .route('/refunds/:id/resolve')
    .post(async (request, response) => {
      const { reason, ...decision } = parseBody(ResolveRefund, request.body);
      const refund = await requestedRefund(pool, request, response);
      if (decision.choice === 'ACCEPT') mustContradict(refund);
      else if (refund.status !== 'ABNORMAL') {
        throw new Problem('refund_not_abnormal', `The refund is ${refund.status}.`, {
          status_now: refund.status,
        });
      }
      const choice = await chosen({ pool, merchants }, refund, decision);
      const result = await sagas.resolveRefund(refund, { actor: caller(response).id, reason, ...choice });
      if (!result || result.kind === 'unanswered') throw notNow();
      if (result.kind === 'refused') throw await refusal(pool, result.code, choice);
      response.json(await shown(pool, await requestedRefund(pool, request, response)));
    })
    .all(onlyMethods('POST'));

  return router;
}

function mustContradict(refund: Refund): void {
  if (refund.attentionReason === 'gateway_contradicts') return;
  throw new Problem('refund_needs_no_operator', 'WeChat Pay has not contradicted itself about this refund.');
}

/** The decision in the words of the saga. */
async function chosen(
  { pool, merchants }: { pool: Pool; merchants: Merchants },
  refund: Refund,
  { choice, bank_card: card, approval_id: approvalId }: Omit<ResolveRefund, 'reason'>,
): Promise<RefundChoice> {
  if (choice === 'WAIT') return { choice };
  if (choice === 'OFFLINE' || choice === 'ACCEPT') return { choice, approvalId: approvalId ?? '' };
  const payout = { type: choice, ...card };
  return { choice, payoutId: await storePayout({ pool, merchants }, refund, payout).catch(cannotEncrypt) };
}

function cannotEncrypt(error: unknown): never {
  if (!(error instanceof WechatPayError)) throw error;
  throw new Problem(
    'temporarily_unavailable',
    `WeChat Pay's key for the card cannot be had (${error.code}); nothing was stored. Repeat the request.`,
  );
}

/** Why WeChat Pay, or this service, did not do it. */
async function refusal(pool: Pool, code: string, choice: RefundChoice): Promise<Problem> {
  if (code === 'refund_not_abnormal')
    return new Problem('refund_not_abnormal', 'The refund has gone on meanwhile: read it again.');
  if (code === 'refund_needs_no_operator')
    return new Problem(code, 'WeChat Pay does not contradict itself about it any more.');
  if (code.startsWith('approval_')) {
    return new Problem(
      'approval_refused',
      `The approval does not stand: ${code.slice('approval_'.length).replaceAll('_', ' ')}. Nothing was changed.`,
    );
  }
  const message = 'payoutId' in choice ? await payoutFailure(pool, choice.payoutId) : undefined;
  return new Problem(
    'gateway_rejected',
    `WeChat Pay refused it with ${code}${message ? `: ${message}` : ''}. The money stays parked; decide again.`,
    { gateway_code: code },
  );
}

function notNow(): Problem {
  return new Problem(
    'temporarily_unavailable',
    'Nobody can say yet what has become of it: read the refund, and repeat the request if it is as before.',
    { headers: { 'retry-after': '2' } },
  );
}
