import type { PaymentAttention } from './attention.ts';

/** An order as one side knows it, in the words of the wire; nothing private. */
export interface OrderFacts {
  out_trade_no: string;
  mchid: string;
  appid: string | null;
  sub_mchid: string | null;
  sub_appid: string | null;
  /** Fen. */
  amount: number | null;
  currency: string | null;
  transaction_id: string | null;
}

/** A paid order that is to be believed only if both sides say the same. A person who decides is shown both. */
export interface BothSides {
  wechat_pay: OrderFacts;
  paysaga: OrderFacts;
}

/** What is compared, in this order. */
const COMPARED = ['out_trade_no', 'mchid', 'appid', 'sub_mchid', 'sub_appid', 'amount', 'currency'] as const;

/** The first field in which the sides differ, as a reason code. */
export function disagreement({ wechat_pay: theirs, paysaga: ours }: BothSides): PaymentAttention | undefined {
  const field = COMPARED.find((name) => {
    // The gateway tells of the sub-merchant's appid only when the order named one, and may leave out the currency.
    if (name === 'sub_appid' && ours.sub_appid === null) return false;
    if (name === 'currency' && theirs.currency === null) return false;
    return theirs[name] !== ours[name];
  });
  return field && `${field}_differs`;
}
