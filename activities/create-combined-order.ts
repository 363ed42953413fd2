import { activityInfo } from '@temporalio/activity';
import {
  type CombinedPayment,
  renewCombinedPrepay,
  storeCombinedRequest,
} from '../database/combined-payments.ts';
import { inTransaction } from '../database/pool.ts';
import type { Prepaid } from '../domain/product.ts';
import { notifyUrl } from '../gateway/notify-url.ts';
import { knownAnswer, type PrepayAnswer } from './create-prepay-order.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { gatewayFailure, isFinalRejection, tooSlowForLocal } from './failures.ts';
import type { RenewAnswer } from './renew-prepay-order.ts';
import { gatewayOf, moveTogether, mustLoad, query, settleCombined } from './settle-combined.ts';

/** As `createPrepayOrder`: the exact body is stored before it is sent, and every repeat sends the same bytes, which is the same order. */
export function createCombinedOrder(dependencies: ActivityDependencies) {
  const { pool, pace } = dependencies;
  return async ({ combinedId }: { combinedId: string }): Promise<PrepayAnswer> => {
    if (activityInfo().isLocal && !pace.prompt) throw tooSlowForLocal();
    const combined = await mustLoad(pool, combinedId);
    if (combined.status !== 'CREATED') return knownAnswer(combined);
    let prepaid: Prepaid;
    try {
      prepaid = await sendOrder(dependencies, combined);
    } catch (error) {
      if (!isFinalRejection(error)) throw gatewayFailure(error);
      const failure = { failureCode: error.code, failureMessage: error.message };
      await inTransaction(pool, (db) => moveTogether(db, combined, 'FAILED', failure));
      return knownAnswer(await mustLoad(pool, combinedId));
    }
    await inTransaction(pool, (db) => moveTogether(db, combined, 'PENDING', { prepaid }));
    return knownAnswer(await mustLoad(pool, combinedId));
  };
}

/** As `renewPrepayOrder`: sends the order again, with the same bytes, unless what was to be renewed is renewed already. */
export function renewCombinedOrder(dependencies: ActivityDependencies) {
  const { pool, merchants, pace } = dependencies;
  return async (input: { combinedId: string; issuedAt: string }): Promise<RenewAnswer> => {
    if (activityInfo().isLocal && !pace.prompt) throw tooSlowForLocal();
    const combined = await mustLoad(pool, input.combinedId);
    const ended = async (): Promise<RenewAnswer> => ({
      kind: 'ended',
      finding: await settleCombined(pool, await mustLoad(pool, combined.id), undefined),
    });
    if (combined.status !== 'PENDING') return await ended();
    if (combined.prepayIssuedAt?.toISOString() !== input.issuedAt) return { kind: 'renewed' };
    try {
      const prepaid = await sendOrder(dependencies, combined);
      return (await renewCombinedPrepay(pool, combined.id, prepaid)) ? { kind: 'renewed' } : await ended();
    } catch (error) {
      if (!isFinalRejection(error)) throw gatewayFailure(error);
      // The number of an order that was paid or closed meanwhile is taken: the order itself tells.
      const order = await query(await gatewayOf(merchants, combined), combined);
      const finding = await settleCombined(pool, combined, order);
      if (finding.kind !== 'unpaid') return { kind: 'ended', finding };
      return { kind: 'rejected', code: error.code, message: error.message };
    }
  };
}

/** Sends the order, with the bytes of the first time if there was one. */
async function sendOrder(
  { pool, merchants, publicUrl, pace, clock }: ActivityDependencies,
  combined: CombinedPayment,
): Promise<Prepaid> {
  const gateway = await gatewayOf(merchants, combined);
  const order = gateway.serializeOrder(combined, notifyUrl(publicUrl, combined.merchantId));
  const body = await storeCombinedRequest(pool, combined.id, order);
  const prepayIssuedAt = new Date(clock());
  const answer = await pace.timed(() => gateway.createOrder(combined.product, body));
  return { ...answer, prepayIssuedAt };
}
