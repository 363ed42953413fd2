import { billText, feeYuan, yuan } from './amount.ts';
import { billTime } from './calendar.ts';
import { couponAmount, couponRefund, type Entry } from './entry.ts';
import type { EffectiveSettings } from './settings.ts';
import type { BillTable } from './table.ts';

export type TradeBillType = 'ALL' | 'SUCCESS' | 'REFUND';

const PAYER =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行';
const ORDER = `${PAYER},货币种类,应结订单金额,代金券金额`;
const REFUND = '微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态';
const GOODS = '商品名称,商户数据包,手续费,费率';

const TITLES: Record<TradeBillType, string> = {
  ALL: `${ORDER},${REFUND},${GOODS},订单金额,申请退款金额,费率备注`,
  SUCCESS: `${ORDER},${GOODS},订单金额,费率备注`,
  REFUND: `${ORDER},退款申请时间,退款成功时间,${REFUND},${GOODS},订单金额,申请退款金额,费率备注`,
};

const SUMMARY_TITLES: Record<TradeBillType, string> = {
  ALL: '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额',
  SUCCESS: '总交易单数,应结订单总金额,手续费总金额,订单总金额',
  REFUND: '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额',
};

/** Titles of the columns that have another name in the layouts before. */
const OLD_TITLES: Record<Exclude<EffectiveSettings['layout'], 'current'>, Record<string, string>> = {
  old: {
    特约商户号: '子商户号',
    应结订单金额: '总金额',
    代金券金额: '代金券或立减优惠金额',
    充值券退款金额: '代金券或立减优惠退款金额',
  },
  red_packet: {
    特约商户号: '子商户号',
    应结订单金额: '总金额',
    代金券金额: '企业红包金额',
    充值券退款金额: '企业红包退款金额',
  },
};
const ONLY_CURRENT = ['订单金额', '申请退款金额', '费率备注'];

/** Rows and sums of a trade bill (official pages of GET /v3/bill/tradebill). */
export class TradeBill implements BillTable {
  readonly titles: string;
  readonly summaryTitles: string;
  readonly #type: TradeBillType;
  readonly #settings: Pick<EffectiveSettings, 'layout' | 'refund_fee' | 'counts'>;
  #count = 0;
  #settlement = 0;
  #refund = 0;
  #cashRefund = 0;
  #fee = 0;
  #total = 0;
  #requested = 0;

  constructor(type: TradeBillType, settings: Pick<EffectiveSettings, 'layout' | 'refund_fee' | 'counts'>) {
    this.#type = type;
    this.#settings = settings;
    const { layout } = settings;
    if (layout === 'current') {
      this.titles = TITLES[type];
      this.summaryTitles = SUMMARY_TITLES[type];
    } else {
      const renamed = OLD_TITLES[layout];
      this.titles = TITLES[type]
        .split(',')
        .filter((title) => !ONLY_CURRENT.includes(title))
        .map((title) => renamed[title] ?? title)
        .join(',');
      const coupons = layout === 'old' ? '总代金券或立减优惠退款金额' : '总企业红包退款金额';
      this.summaryTitles = `总交易单数,总交易额,总退款金额,${coupons},手续费总金额`;
    }
  }

  rows(entry: Entry): string[][] {
    if (!this.#includes(entry)) return [];
    const paid = entry.kind === 'payment';
    const type = this.#type;
    const current = this.#settings.layout === 'current';
    const settlement = paid ? entry.settlement : 0;
    const total = paid ? entry.total : 0;
    const refund = paid ? undefined : entry.refund;
    const back = refund?.settlement ?? 0;
    const cash = refund ? couponRefund(refund) : 0;
    const requested = refund?.amount ?? 0;
    const fee = paid ? entry.fee : this.#settings.refund_fee === 'zero' ? 0 : 0 - entry.fee;
    this.#count += 1;
    this.#settlement += settlement;
    this.#refund += back;
    this.#cashRefund += cash;
    this.#fee += fee;
    this.#total += total;
    this.#requested += requested;

    const values = [
      // Bills of refunds have the time of the payment here, and that of the refund in a column of its own.
      billTime(type === 'REFUND' ? entry.paidAt : entry.time),
      entry.appid,
      entry.mchid,
      entry.subMchid ?? '0',
      billText(entry.deviceId),
      entry.transactionId,
      entry.outTradeNo,
      entry.openid,
      entry.tradeType,
      STATES[entry.kind],
      entry.bankType,
      entry.currency,
      yuan(settlement),
      paid ? yuan(couponAmount(entry)) : '0.00',
    ];
    if (type === 'REFUND') {
      values.push(
        billTime(entry.time),
        refund?.succeededAt === undefined ? '' : billTime(refund.succeededAt),
      );
    }
    if (type !== 'SUCCESS') {
      values.push(refund?.refundId ?? '0', refund?.outRefundNo ?? '0', yuan(back), yuan(cash));
      values.push(refund?.channel ?? '', refund?.status ?? '');
    }
    values.push(billText(entry.description), billText(entry.attach), feeYuan(fee), entry.feeRate);
    if (current) {
      values.push(yuan(total));
      if (type !== 'SUCCESS') values.push(yuan(requested));
      values.push(billText(entry.feeRemark));
    }
    return [values];
  }

  summary(): string[] {
    const count = printedCount(this.#count, this.#settings);
    const settlement = yuan(this.#settlement);
    const fee = feeYuan(this.#fee);
    if (this.#settings.layout !== 'current') {
      return [count, settlement, yuan(this.#refund), yuan(this.#cashRefund), fee];
    }
    if (this.#type === 'SUCCESS') return [count, settlement, fee, yuan(this.#total)];
    return [
      count,
      settlement,
      yuan(this.#refund),
      yuan(this.#cashRefund),
      fee,
      yuan(this.#total),
      yuan(this.#requested),
    ];
  }

  #includes({ kind }: Entry): boolean {
    if (kind === 'refund_closed' || kind === 'movement') return false;
    return this.#type === 'ALL' || (kind === 'payment') === (this.#type === 'SUCCESS');
  }
}

const STATES = {
  payment: 'SUCCESS',
  refund: 'REFUND',
  refund_closed: 'REFUND',
  reversal: 'REVOKED',
  movement: '',
} as const;

/** A number of rows: `45`, or `45.0` as some bills print it. */
export function printedCount(count: number, { counts }: Pick<EffectiveSettings, 'counts'>): string {
  return counts === 'decimal' ? `${count}.0` : String(count);
}
