import assert from 'node:assert/strict';
import fc from 'fast-check';
import { merchantNumber, publicId } from '../../../domain/identity.ts';
import {
  canLatePaymentTransition,
  isLatePaymentFinal,
  LATE_PAYMENT_STATUSES,
} from '../../../domain/late-payment.ts';
import {
  formatAmount,
  formatFee,
  formatMoney,
  formatYuan,
  isOrderAmount,
  MAX_ORDER_FEN,
  WITHOUT_DECIMALS,
} from '../../../domain/money.ts';
import {
  canTransition,
  endedUnpaid,
  isPaid,
  OUT_TRADE_NO,
  PAYMENT_STATUSES,
  PAYMENT_TRANSITIONS,
} from '../../../domain/payment.ts';
import {
  canRefundTransition,
  isRefundFinal,
  OUT_REFUND_NO,
  REFUND_STATUSES,
} from '../../../domain/refund.ts';
import { beijingDay, nextDay, readMoment, rfc3339 } from '../../../domain/time.ts';
import { CURRENCY_DECIMALS } from '../../../wechatpay/index.ts';

describe('domain', () => {
  it('amounts are shown with the decimals that WeChat Pay counts their currency in', () => {
    assert.deepEqual(
      [formatMoney(2590, 'CNY'), formatMoney(-2590, 'HKD'), formatMoney(2590, 'JPY'), formatAmount(1, 'USD')],
      ['¥25.90', 'HKD -25.90', 'JPY 2590', '0.01'],
    );
    assert.throws(() => formatAmount(0.5, 'JPY'), RangeError);
    const whole = Object.entries(CURRENCY_DECIMALS).filter(([, decimals]) => decimals === 0);
    assert.deepEqual(
      whole.map(([currency]) => currency),
      WITHOUT_DECIMALS,
    );
  });

  it('fees are shown with three decimals more than amounts', () => {
    assert.deepEqual(
      [formatFee(15_540, 'CNY'), formatFee(-1, 'HKD'), formatFee(16_000, 'JPY'), formatFee(5, 'KRW')],
      ['0.15540', '-0.00001', '16.000', '0.005'],
    );
    assert.throws(() => formatFee(0.5, 'CNY'), RangeError);
  });

  it('fen are shown in yuan without floating point', () => {
    assert.equal(formatYuan(29), '0.29');
    assert.equal(formatYuan(2590), '25.90');
    assert.equal(formatYuan(-5), '-0.05');
    assert.throws(() => formatYuan(0.1), RangeError);
    fc.assert(
      fc.property(fc.maxSafeInteger(), (fen) => {
        const [yuan = '', cents = ''] = formatYuan(fen).replace('-', '').split('.');
        assert.equal(cents.length, 2);
        assert.equal(BigInt(yuan + cents), BigInt(Math.abs(fen)));
      }),
    );
  });

  it('a day is that of Asia/Shanghai, and as an end it has its last moment in it', () => {
    assert.equal(beijingDay(new Date('2026-02-28T15:59:59.999Z')), '2026-02-28');
    assert.equal(beijingDay(new Date('2026-02-28T16:00:00Z')), '2026-03-01');
    assert.equal(nextDay('2028-02-28'), '2028-02-29');
    assert.equal(nextDay('2026-12-31'), '2027-01-01');
    assert.deepEqual(readMoment('2026-03-01', 'start'), new Date('2026-02-28T16:00:00Z'));
    assert.deepEqual(readMoment('2026-03-01', 'end'), new Date('2026-03-01T16:00:00Z'));
    for (const edge of ['start', 'end'] as const) {
      assert.deepEqual(readMoment('2026-03-01T00:00:00.5-01:00', edge), new Date('2026-03-01T01:00:00.500Z'));
    }
    for (const wrong of [
      '2026-02-29',
      '2026-13-01',
      '2026-3-1',
      '2026-03-01T00:00:00',
      '2026-03-01T24:61:00Z',
      '1',
      '',
    ])
      assert.equal(readMoment(wrong, 'end'), undefined, wrong);
  });

  it('an order amount is an integer from one fen to ten million yuan', () => {
    assert.ok(isOrderAmount(1));
    assert.ok(isOrderAmount(MAX_ORDER_FEN));
    for (const wrong of [0, -1, 1.5, MAX_ORDER_FEN + 1, '100', Number.NaN, null])
      assert.ok(!isOrderAmount(wrong));
  });

  it('a payment that ended unpaid becomes nothing but paid, and paid money never becomes unpaid', () => {
    for (const from of PAYMENT_STATUSES.filter(endedUnpaid)) {
      for (const to of PAYMENT_STATUSES) assert.equal(canTransition(from, to), to === 'PAID');
    }
    for (const from of PAYMENT_STATUSES.filter(isPaid)) {
      for (const to of PAYMENT_TRANSITIONS[from]) assert.ok(isPaid(to), `${from} -> ${to}`);
    }
  });

  it('late money ends accepted or refunded, and only what no refund has set aside is accepted', () => {
    for (const from of LATE_PAYMENT_STATUSES) {
      const ended = from === 'ACCEPTED' || from === 'REFUNDED';
      assert.equal(isLatePaymentFinal(from), ended);
      assert.equal(canLatePaymentTransition(from, 'ACCEPTED'), from === 'RECEIVED');
      assert.equal(canLatePaymentTransition(from, 'REFUNDED'), from === 'REFUNDING');
    }
  });

  it('a refund that has ended stays as it is, except that one that failed may begin anew', () => {
    for (const from of REFUND_STATUSES.filter(isRefundFinal)) {
      for (const to of REFUND_STATUSES) {
        assert.equal(canRefundTransition(from, to), from === 'FAILED' && to === 'CREATED');
      }
    }
  });

  it('minted numbers are ones that WeChat Pay takes', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        assert.match(merchantNumber('T', publicId('pay', uuid)), OUT_TRADE_NO);
        assert.match(merchantNumber('C', publicId('cmb', uuid)), OUT_TRADE_NO);
        assert.match(merchantNumber('R', publicId('ref', uuid)), OUT_REFUND_NO);
      }),
    );
  });

  it('times are RFC 3339 in Beijing’s offset, whatever the machine’s zone', () => {
    assert.equal(rfc3339(new Date('2026-02-28T20:30:00.999Z')), '2026-03-01T04:30:00+08:00');
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
        assert.equal(Date.parse(rfc3339(date)), Math.floor(date.getTime() / 1000) * 1000);
      }),
    );
  });
});
