import { z } from 'zod';
import { GatewayError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { Order } from '../orders/order.ts';
import { chinaDate } from '../time/china-time.ts';
import { feeOf, settlementTotal } from './fee.ts';

const amount = z.int();

/** What the control API takes to set a balance; accounts that are not named keep theirs. */
export const balanceRequest = z.strictObject({
  /** Whether refunds need money on the accounts; merchants start without a limit. */
  limited: z.boolean().default(true),
  AVAILABLE: amount.optional(),
  UNSETTLED: amount.optional(),
  UNAVAILABLE: amount.optional(),
});
export type BalanceRequest = z.infer<typeof balanceRequest>;

/** Accounts of a merchant from which refunds are paid (official refund page). */
export type Account = 'AVAILABLE' | 'UNSETTLED' | 'UNAVAILABLE';

/** Money of a merchant, in the smallest unit of its currency. */
export interface Balance extends Record<Account, number> {
  limited: boolean;
  /** Day (yyyyMMdd, Asia/Shanghai) whose payments are not settled yet. */
  day: string;
}

/** What one account gives or gets. */
export interface Share {
  account: Account;
  amount: number;
}

/** Who gets the money of an order: the sub-merchant of a service provider, not the provider. */
export function payee({ mchid, subMchid }: { mchid: string; subMchid?: string | undefined }): string {
  return subMchid ?? mchid;
}

/** The merchants' accounts: payments come in without the fee, unsettled until the next day; refunds and reversals go out. */
export class Balances {
  readonly #balances: Collection<Balance>;
  readonly #clock: () => number;

  readonly #initial: (mchid: string) => number | undefined;

  constructor(options: {
    journal: Journal;
    clock: () => number;
    /** What a merchant has at the start; undefined for without limit. */
    initial: (mchid: string) => number | undefined;
  }) {
    this.#initial = options.initial;
    this.#balances = new Collection<Balance>(options.journal, 'balance');
    this.#clock = options.clock;
  }

  /** The accounts of a merchant or sub-merchant as they are now. */
  of(mchid: string): Balance {
    const day = chinaDate(this.#clock());
    const known = this.#balances.get(mchid);
    if (!known) {
      const initial = this.#initial(mchid);
      return { limited: initial !== undefined, AVAILABLE: initial ?? 0, UNSETTLED: 0, UNAVAILABLE: 0, day };
    }
    if (known.day === day) return known;
    return { ...known, AVAILABLE: known.AVAILABLE + known.UNSETTLED, UNSETTLED: 0, day };
  }

  /** Sets accounts, and whether they limit refunds. */
  arrange(mchid: string, { limited, ...accounts }: BalanceRequest): Balance {
    const given = Object.entries(accounts).filter(([, value]) => value !== undefined);
    return this.#put(mchid, { ...this.of(mchid), ...Object.fromEntries(given), limited });
  }

  /** A payment came in. */
  receive(order: Order): void {
    this.#add(payee(order), [{ account: 'UNSETTLED', amount: settlementTotal(order) - feeOf(order) }], 1);
  }

  /**
   * Which accounts pay a refund: those that were named, or else what is not settled yet if that is enough, or else what is available.
   * @param amount what the merchant must give, the returned fee deducted.
   * @throws GatewayError 403 NOT_ENOUGH when the merchant is limited and they have not so much.
   */
  shares(mchid: string, amount: number, named: readonly Share[]): Share[] {
    const balance = this.of(mchid);
    const [first] = named;
    const shares: Share[] = first
      ? reduced(named, amount)
      : [{ account: balance.UNSETTLED >= amount ? 'UNSETTLED' : 'AVAILABLE', amount }];
    if (balance.limited && shares.some((share) => balance[share.account] < share.amount)) {
      throw new GatewayError(403, 'NOT_ENOUGH', '基本账户余额不足，请充值后重新发起');
    }
    return shares;
  }

  /** A refund or a reversal went out. */
  pay(mchid: string, shares: readonly Share[]): void {
    this.#add(mchid, shares, -1);
  }

  /** A paid order was reversed: what is not refunded goes back. */
  payBack(order: Order, refunds: readonly { status: string; paidFrom: readonly Share[] }[]): void {
    const open = refunds.filter(({ status }) => status !== 'CLOSED').flatMap(({ paidFrom }) => paidFrom);
    const left = open.reduce((sum, share) => sum - share.amount, settlementTotal(order) - feeOf(order));
    const account = this.of(payee(order)).UNSETTLED >= left ? 'UNSETTLED' : 'AVAILABLE';
    this.pay(payee(order), [{ account, amount: left }]);
  }

  /** A refund failed: its money is there again. */
  takeBack(mchid: string, shares: readonly Share[]): void {
    this.#add(mchid, shares, 1);
  }

  clear(): void {
    this.#balances.clear();
  }

  #add(mchid: string, shares: readonly Share[], sign: 1 | -1): void {
    const balance = { ...this.of(mchid) };
    for (const { account, amount } of shares) balance[account] += sign * amount;
    this.#put(mchid, balance);
  }

  #put(mchid: string, balance: Balance): Balance {
    this.#balances.put(mchid, balance);
    return balance;
  }
}

/** Named shares add up to the whole refund; what the merchant need not give (fee, coupons of others) is left out from the last ones. */
function reduced(named: readonly Share[], total: number): Share[] {
  let left = total;
  return named.map(({ account, amount }) => {
    const taken = Math.min(amount, left);
    left -= taken;
    return { account, amount: taken };
  });
}
