import type { Wechat } from '../../gateway/payment-gateway.ts';
import {
  type BillAddress,
  type EncryptedBillAddress,
  type WechatPay,
  WechatPayPartner,
} from '../../wechatpay/index.ts';
import type { BillDesk } from './bill-desk.ts';

type Address = BillAddress | EncryptedBillAddress;

/** Trade bills and fund flows of the mainland. A service provider asks for one sub-merchant, whose fund flow comes encrypted and in parts. */
export function mainlandDesk(wechat: Wechat): BillDesk {
  /** Files are fetched and opened in the same way for both roles. */
  const files: Pick<WechatPay['bills'], 'fetch' | 'open'> = wechat.bills;
  return {
    async apply({ billDate: bill_date, subMchid }, kind) {
      const addresses = await apply(wechat, { bill_date, sub_mchid: subMchid ?? '' }, kind === 'trade');
      return addresses.map((said) => ({ said, fetch: () => files.fetch(said) }));
    },
    open: (bytes, said) => files.open(bytes, said as Address),
  };
}

async function apply(
  wechat: Wechat,
  { bill_date, sub_mchid }: { bill_date: string; sub_mchid: string },
  trade: boolean,
): Promise<Address[]> {
  if (!(wechat instanceof WechatPayPartner)) {
    return [await (trade ? wechat.bills.trade({ bill_date }) : wechat.bills.fundFlow({ bill_date }))];
  }
  const sub = { bill_date, sub_mchid };
  if (trade) return [await wechat.bills.trade(sub)];
  const { download_bill_list } = await wechat.bills.subMerchantFundFlow({ ...sub, account_type: 'BASIC' });
  return download_bill_list.toSorted((one, other) => one.bill_sequence - other.bill_sequence);
}
