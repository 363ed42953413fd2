import type { Pool } from '../../database/pool.ts';
import type { RepairableLine } from '../../database/reconciliation/lines.ts';
import type { Repair } from '../../domain/reconciliation.ts';
import type { Merchants } from '../../gateway/merchants.ts';
import {
  gatewayOf,
  mustLoad as mustLoadCombined,
  query as queryCombined,
  settleCombined,
} from '../settle-combined.ts';
import { mustLoad as mustLoadPayment, query, settle } from '../settle-payment.ts';
import { mustLoad as mustLoadRefund, queryRefund, settleRefund, wordOf } from '../settle-refund.ts';

/** How many of each were behind, or have been mended. */
export type Repaired = Partial<Record<Repair, number>>;

/** How many of each there are. */
export function countRepairs(lines: RepairableLine[]): Repaired {
  const counts: Repaired = {};
  for (const { repair } of lines) counts[repair] = (counts[repair] ?? 0) + 1;
  return counts;
}

/** What has been mended: what was behind, and is not any more. */
export function mended(behind: Repaired, still: Repaired): Repaired {
  const counts = Object.entries(behind).map(
    ([repair, count]) => [repair, count - (still[repair as Repair] ?? 0)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** The larger of each. */
export function mostOf(one: Repaired, other: Repaired): Repaired {
  const repairs = [...new Set([...Object.keys(one), ...Object.keys(other)])] as Repair[];
  return Object.fromEntries(
    repairs.map((repair) => [repair, Math.max(one[repair] ?? 0, other[repair] ?? 0)]),
  );
}

/**
 * Mends what the bill shows to be behind, in the way the sagas do it themselves: WeChat Pay is asked, and what it says is settled. The bill alone moves
 * nothing. What cannot be mended now stays a break.
 * @param progress is told how many were looked at
 */
export async function repair(
  { pool, merchants }: { pool: Pool; merchants: Merchants },
  lines: RepairableLine[],
  progress: (looked: number) => void,
): Promise<void> {
  for (const [index, line] of lines.entries()) {
    progress(index);
    try {
      await REPAIRS[line.repair]({ pool, merchants }, line);
    } catch {
      // The gateway is away, say: the line stays a break, and the next run of the day tries again.
    }
  }
}

type Mend = (outside: { pool: Pool; merchants: Merchants }, line: RepairableLine) => Promise<unknown>;

const REPAIRS: Record<Repair, Mend> = {
  async settle_payment({ pool, merchants }, { paymentId }) {
    const payment = await mustLoadPayment(pool, paymentId);
    if (payment.combinedId === null) {
      return await settle(pool, payment, await query(await merchants.for(payment), payment.outTradeNo));
    }
    // WeChat Pay knows a sub-order by the number of the combined order only.
    const combined = await mustLoadCombined(pool, payment.combinedId);
    const order = await queryCombined(await gatewayOf(merchants, combined), combined);
    return await settleCombined(pool, combined, order);
  },
  async sync_refund({ pool, merchants }, { refundId }) {
    const refund = await mustLoadRefund(pool, refundId ?? '');
    const answer = await queryRefund(await merchants.for(refund), refund.outRefundNo);
    if (answer) await settleRefund(pool, refund, wordOf(answer));
  },
};
