import { rateOf, toFen } from '../money/exchange-rate.ts';
import { billText, decimal, feeYuan, yuan } from './amount.ts';
import { billTime } from './calendar.ts';
import { couponAmount, couponRefund, type Entry, settledAs } from './entry.ts';
import type { EffectiveSettings } from './settings.ts';
import type { BillTable } from './table.ts';

const TITLES =
  '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,充值券币种,充值券金额,优惠券币种,优惠券金额,微信退款单号,商户退款单号,退款类型,退款状态,商品名称,商户数据包,手续费,费率,标价币种,订单金额(标价币种),用户支付币种,用户支付金额,结算币种,应结订单金额,支付汇率,退款汇率,申请退款金额,用户退款币种,用户退款金额,退款结算币种,退款应结订单金额,充值券退款金额,优惠券退款金额';

const PAYER_CURRENCY = 'CNY';

/** Rows of an overseas statement, which has no summary. */
export class Statement implements BillTable {
  readonly titles = TITLES;
  readonly summaryTitles = undefined;
  readonly #settlementCurrency: string;

  constructor({ settlement_currency }: Pick<EffectiveSettings, 'settlement_currency'>) {
    this.#settlementCurrency = settlement_currency;
  }

  rows(entry: Entry): string[][] {
    if (entry.kind === 'refund_closed') return [];
    const { refund, currency } = entry;
    const paid = entry.kind === 'payment';
    const settled = settledAs(entry, this.#settlementCurrency);
    const amount = (value: number) => yuan(value * unitOf(currency));
    const settledAmount = (value: number) => yuan(value * unitOf(settled.currency));
    const noCash = entry.total - entry.settlement;
    const printedRate = decimal(rateOf(currency).rate, 8);
    return [
      [
        billTime(entry.time),
        entry.appid,
        entry.mchid,
        entry.subMchid ?? '0',
        billText(entry.deviceId),
        entry.transactionId,
        entry.outTradeNo,
        entry.openid,
        entry.tradeType,
        paid ? 'SUCCESS' : entry.kind === 'reversal' ? 'REVOKED' : 'REFUND',
        entry.bankType,
        currency,
        amount(paid ? couponAmount(entry) - noCash : 0),
        currency,
        amount(paid ? noCash : 0),
        refund?.refundId ?? '',
        refund?.outRefundNo ?? '',
        refund?.channel ?? '',
        refund?.status ?? '',
        billText(entry.description),
        billText(entry.attach),
        feeYuan((paid ? settled.fee : 0 - settled.fee) * unitOf(settled.currency)),
        entry.feeRate,
        currency,
        amount(paid ? entry.total : 0),
        PAYER_CURRENCY,
        yuan(paid ? toFen(entry.payerTotal, currency) : 0),
        settled.currency,
        settledAmount(paid ? settled.settlement : 0),
        printedRate,
        refund ? printedRate : '',
        amount(refund?.amount ?? 0),
        refund ? PAYER_CURRENCY : '',
        yuan(refund?.payerFen ?? 0),
        refund ? settled.currency : '',
        settledAmount(settled.refund),
        amount(refund ? couponRefund(refund) : 0),
        amount(refund ? refund.amount - refund.settlement : 0),
      ],
    ];
  }

  summary(): string[] {
    return [];
  }
}

/** The API counts some currencies in whole units; statements print all of them with two decimals. */
function unitOf(currency: string): number {
  return rateOf(currency).decimals === 0 ? 100 : 1;
}
