import assert from 'node:assert/strict';
import * as workflows from '../../../workflows/index.ts';
import {
  nightStart,
  RECONCILIATION_SETTINGS,
  reconciliationStart,
} from '../../../workflows/reconciliation-start.ts';

import {
  combinedStart,
  latePaymentStart,
  lookAgainStart,
  paymentStart,
  refundStart,
} from '../../../workflows/start.ts';

const payment = {
  id: 'pay_1',
  merchantId: 'mch_1',
  mchid: '1900012345',
  subMchid: null,
  product: 'NATIVE' as const,
  outTradeNo: 'T20260301A000017',
  amount: 2590,
  timeExpire: new Date('2026-03-01T04:30:00Z'),
};
const combined = { ...payment, id: 'cmb_1', combineOutTradeNo: 'C20260301A000017' };
const refund = { ...payment, id: 'ref_1', paymentId: 'pay_1', outRefundNo: 'R1' };
const late = { ...payment, id: 'late_1', paymentId: 'pay_1', transactionId: '4200000001' };

describe('starting the sagas', () => {
  it('every workflow type that is started is exported, and none is exported that is not', () => {
    const day = {
      tenantId: 'ten_1',
      merchantId: 'mch_1',
      mchid: '1900012345',
      subMchid: null,
      billDate: '2026-03-01',
    };
    const night = { merchantId: 'mch_1', mchid: '1900012345', ...RECONCILIATION_SETTINGS };
    const started = [
      paymentStart(payment),
      combinedStart(combined),
      refundStart(refund),
      latePaymentStart(late),
      lookAgainStart(payment),
      reconciliationStart(day),
      nightStart(night, 'paysaga'),
    ].map((start) => start.workflowType);
    assert.deepEqual(started.sort(), Object.keys(workflows).sort());
  });

  it('a workflow is known by the merchant’s number, and never started twice', () => {
    assert.equal(paymentStart(payment).workflowId, 'payment/1900012345/T20260301A000017');
    assert.equal(combinedStart(combined).workflowId, 'combined/1900012345/C20260301A000017');
    assert.equal(refundStart(refund).workflowId, 'refund/1900012345/R1');
    assert.equal(latePaymentStart(late).workflowId, 'late-payment/1900012345/4200000001');
    for (const start of [
      paymentStart(payment),
      combinedStart(combined),
      refundStart(refund),
      latePaymentStart(late),
    ]) {
      assert.equal(start.workflowIdReusePolicy, 'REJECT_DUPLICATE');
      assert.equal(start.workflowIdConflictPolicy, 'USE_EXISTING');
    }
  });

  it('ids, search attributes and summaries say nothing private', () => {
    const secret = { ...payment, description: 'SECRET', attach: 'SECRET', openid: 'SECRET' };
    assert.ok(!JSON.stringify(paymentStart(secret)).includes('SECRET'));
    assert.ok(!JSON.stringify(combinedStart({ ...combined, ...secret })).includes('SECRET'));
    assert.equal(combinedStart(combined).staticSummary, '¥25.90 combined · C20260301A000017 · 1900012345');
    assert.equal(paymentStart(payment).staticSummary, '¥25.90 · T20260301A000017 · 1900012345');
  });
});
