import { activityInfo } from '@temporalio/activity';
import { inTransaction } from '../database/pool.ts';
import { loadRefund, storeRefundRequest, transitionRefund } from '../database/refunds.ts';
import type { RefundFinding } from '../domain/refund.ts';
import { notifyUrl } from '../gateway/notify-url.ts';
import type { Refund as WechatRefund } from '../wechatpay/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection } from './failures.ts';
import { refundSource } from './refund-source.ts';
import { knownFinding, mustLoad, queryRefund, settleRefund, wordOf } from './settle-refund.ts';

/**
 * Hands the refund to the gateway. When an earlier attempt has left the outcome unknown, the gateway is asked first; if it has no
 * such refund, the same number is sent again with the same bytes. A new number would risk paying twice.
 */
export function submitRefund({ pool, merchants, publicUrl }: ActivityDependencies) {
  return async ({ refundId }: { refundId: string }): Promise<RefundFinding> => {
    const refund = await loadRefund(pool, refundId);
    const source = refund && (await refundSource(pool, refund));
    if (!refund || !source?.transactionId)
      throw new Error(`there is no refund ${refundId} of a paid payment`);
    if (refund.status !== 'RESERVED') return knownFinding(refund);

    const gateway = await merchants.for(refund);
    const mayHaveBeenSent = refund.refundRequest !== null || activityInfo().attempt > 1;
    const body = await storeRefundRequest(
      pool,
      refundId,
      gateway.serializeRefund(
        refund,
        { transactionId: source.transactionId, amount: source.amount },
        notifyUrl(publicUrl, refund.merchantId),
      ),
    );
    let answer: WechatRefund | undefined;
    if (mayHaveBeenSent) answer = await queryRefund(gateway, refund.outRefundNo);
    if (!answer) {
      try {
        answer = await gateway.applyRefund(body);
      } catch (error) {
        // It goes through under the same number once the merchant has topped up.
        if (!isFinalRejection(error) || error.code === 'NOT_ENOUGH') throw gatewayFailure(error);
        // An earlier attempt may have been accepted after all, and its query too early: freeing the amount then would pay twice.
        if (mayHaveBeenSent || error.outcome === 'unknown')
          answer = await queryRefund(gateway, refund.outRefundNo);
        if (!answer) {
          const failure = { failureCode: error.code, failureMessage: error.message };
          await inTransaction(pool, (db) => transitionRefund(db, refundId, 'FAILED', failure));
          return knownFinding(await mustLoad(pool, refundId));
        }
      }
    }
    return await settleRefund(pool, refund, wordOf(answer));
  };
}
