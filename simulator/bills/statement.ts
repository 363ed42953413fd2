import { billText, decimal, feeYuan, yuan } from './amount.ts';
import { billTime } from './calendar.ts';
import { couponAmount, couponRefund, type Entry } from './entry.ts';
import type { BillTable } from './table.ts';

const TITLES =
  '交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,充值券币种,充值券金额,优惠券币种,优惠券金额,微信退款单号,商户退款单号,退款类型,退款状态,商品名称,商户数据包,手续费,费率,标价币种,订单金额(标价币种),用户支付币种,用户支付金额,结算币种,应结订单金额,支付汇率,退款汇率,申请退款金额,用户退款币种,用户退款金额,退款结算币种,退款应结订单金额,充值券退款金额,优惠券退款金额';

/** Currencies that the API counts in whole units; statements print all of them with two decimals. */
const WHOLE_UNITS: readonly string[] = ['JPY', 'KRW'];

/** Rows of an overseas statement (official page 4012354484), which has no summary. */
export class Statement implements BillTable {
  readonly titles = TITLES;
  readonly summaryTitles = undefined;

  rows(entry: Entry): string[][] {
    if (entry.kind === 'refund_closed') return [];
    const { refund, currency } = entry;
    const paid = entry.kind === 'payment';
    const unit = WHOLE_UNITS.includes(currency) ? 100 : 1;
    const amount = (value: number) => yuan(value * unit);
    const noCash = entry.total - entry.settlement;
    const rate = decimal(entry.exchangeRate ?? 10 ** 8, 8);
    const payerCurrency = entry.payerCurrency ?? currency;
    const inPayerCurrency = (value: number) => {
      if (payerCurrency === currency || entry.exchangeRate === undefined) return amount(value);
      return yuan(Number((BigInt(value * unit) * BigInt(entry.exchangeRate) + 5n * 10n ** 7n) / 10n ** 8n));
    };
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
        feeYuan((paid ? entry.fee : 0 - entry.fee) * unit),
        entry.feeRate,
        currency,
        amount(paid ? entry.total : 0),
        payerCurrency,
        inPayerCurrency(paid ? entry.payerTotal : 0),
        currency,
        amount(paid ? entry.settlement : 0),
        rate,
        refund ? rate : '',
        amount(refund?.amount ?? 0),
        refund ? payerCurrency : '',
        refund?.payerExchanged === undefined
          ? inPayerCurrency(refund?.payer ?? 0)
          : yuan(refund.payerExchanged),
        refund ? currency : '',
        amount(refund?.settlement ?? 0),
        amount(refund ? couponRefund(refund) : 0),
        amount(refund ? refund.amount - refund.settlement : 0),
      ],
    ];
  }

  summary(): string[] {
    return [];
  }
}
