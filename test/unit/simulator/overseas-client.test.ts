import assert from 'node:assert/strict';
import { readGlobalStatement } from '../../../wechatpay/bills/index.ts';
import {
  ConfigurationError,
  RequestRejectedError,
  WechatPay,
  WechatPayError,
  WechatPayGlobal,
  WechatPayGlobalPartner,
} from '../../../wechatpay/index.ts';
import { type Mode, OverseasDesk } from './overseas-desk.ts';
import { startReceiver } from './receiver.ts';

const ORDER = {
  description: 'Tea set',
  out_trade_no: 'G0001',
  notify_url: 'https://pay.example.com/wx',
  merchant_category_code: '4111',
  amount: { total: 2590, currency: 'HKD' as const },
};

describe('simulator: overseas by our own clients', () => {
  let desk: OverseasDesk;
  let pay: WechatPayGlobal;
  let institution: WechatPayGlobalPartner;

  function options(mode: Mode) {
    const { mchid, appid, serialNo, privateKeyPem, apiV3Key, publicKeyId, publicKeyPem } = desk.who(mode);
    return {
      baseUrl: desk.simulator.baseUrl,
      mchid,
      appid,
      serialNo,
      privateKey: privateKeyPem,
      apiV3Key,
      publicKeys: { [publicKeyId]: publicKeyPem },
      clock: () => desk.now,
    };
  }
  beforeEach(async () => {
    desk = await OverseasDesk.open();
    pay = new WechatPayGlobal(options('merchant'));
    institution = new WechatPayGlobalPartner(options('institution'));
  });
  afterEach(async () => {
    await pay.close();
    await institution.close();
    await desk.close();
  });
  const rejected = async (call: Promise<unknown>, code: string) => {
    await assert.rejects(call, (error: WechatPayError) => {
      assert.ok(error instanceof WechatPayError);
      assert.equal(error.code, code);
      return true;
    });
  };

  it('an order from its code over its notification to its refund', async () => {
    const receiver = await startReceiver();
    try {
      const { code_url } = await pay.native.create({ ...ORDER, notify_url: receiver.url });
      assert.equal((await pay.orders.queryByOutTradeNo('G0001')).trade_state, 'NOTPAY');
      desk.simulator.gateway.pay('G0001', { codeUrl: code_url });
      const raw = await receiver.delivery(1);
      const event = await pay.notifications.open({ headers: raw.headers, body: Buffer.from(raw.body) });
      assert.ok(event.kind === 'transaction');
      const { id = '', amount } = event.resource;
      assert.deepEqual(await pay.orders.queryById(id), event.resource);
      assert.deepEqual([amount?.payer_total, amount?.payer_currency], [2383, 'CNY']);

      const accepted = await pay.refunds.apply({
        transaction_id: id,
        out_refund_no: 'R1',
        notify_url: receiver.url,
        amount: { refund: 1000, total: 2590, currency: 'HKD' },
      });
      assert.equal((await pay.refunds.queryById(accepted.id)).status, 'PROCESSING');
      desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
      const told = await receiver.delivery(2);
      const refunded = await pay.notifications.open({ headers: told.headers, body: Buffer.from(told.body) });
      assert.ok(refunded.kind === 'refund');
      assert.deepEqual(
        [refunded.resource.out_refund_no, refunded.resource.refund_status, refunded.resource.mchid],
        ['R1', 'SUCCESS', desk.who('merchant').mchid],
      );
      assert.equal((await pay.refunds.queryByOutRefundNo('R1')).status, 'SUCCESS');
      const list = await pay.refunds.list({ out_trade_no: 'G0001' });
      assert.deepEqual([list.id, list.total_num, list.data[0]?.out_refund_no], [id, 1, 'R1']);
    } finally {
      await receiver.close();
    }
  });

  it('every product of a merchant and of an institution', async () => {
    const { sub_mchid = '', sub_appid = '' } = desk.orderer('institution');
    const sub = { sub_mchid, sub_appid };
    const scene_info = { payer_client_ip: '203.0.113.9' };
    const numbered = (number: string) => ({ ...ORDER, out_trade_no: number });
    assert.match((await pay.jsapi.create({ ...numbered('G1'), payer: { openid: 'oA' } })).prepay_id, /^wx/);
    assert.match((await pay.app.create(numbered('G2'))).prepay_id, /^wx/);
    assert.match((await pay.mweb.create({ ...numbered('G3'), scene_info })).mweb_url, /^https:/);
    assert.match(
      (await institution.jsapi.create({ ...numbered('G4'), ...sub, payer: { sub_openid: 'oB' } })).prepay_id,
      /^wx/,
    );
    assert.match((await institution.app.create({ ...numbered('G5'), ...sub })).prepay_id, /^wx/);
    assert.match((await institution.native.create({ ...numbered('G6'), ...sub })).code_url, /^weixin:/);
    assert.match(
      (await institution.mweb.create({ ...numbered('G7'), ...sub, scene_info })).mweb_url,
      /^https:/,
    );
    desk.simulator.gateway.pay('G6');
    const order = await institution.orders.queryByOutTradeNo('G6', { sub_mchid });
    assert.deepEqual(
      [order.trade_state, order.sub_mchid, order.sub_appid],
      ['SUCCESS', sub_mchid, sub_appid],
    );
    await institution.refunds.apply({
      ...sub,
      out_trade_no: 'G6',
      out_refund_no: 'R6',
      amount: { refund: 1, total: 2590, currency: 'HKD' },
    });
    assert.equal((await institution.refunds.queryByOutRefundNo('R6', { sub_mchid })).status, 'PROCESSING');
  });

  it('a payment code: paid, reversed, and taken back by itself', async () => {
    const { notify_url: _, ...charged } = ORDER;
    const payer = { auth_code: '134567890123456789' };
    const paid = await pay.micropay.pay({ ...charged, payer });
    assert.equal(paid.trade_state, 'SUCCESS');
    await pay.micropay.reverseById(paid.id ?? '');
    assert.equal((await pay.orders.queryByOutTradeNo('G0001')).trade_state, 'REVOKED');
    const amount = { total: 100_000, currency: 'HKD' as const };
    const pending = await pay.micropay.pay({ ...charged, out_trade_no: 'G0002', amount, payer });
    assert.equal(pending.trade_state, 'USERPAYING');
    desk.wait(45_000);
    assert.equal((await pay.orders.queryByOutTradeNo('G0002')).trade_state, 'REVOKED');
    await pay.micropay.reverseByOutTradeNo('G0002');
  });

  it('an order is closed when it is old enough', async () => {
    await pay.native.create(ORDER);
    await rejected(pay.orders.close('G0001'), 'INVALID_REQUEST');
    desk.wait(5 * 60_000);
    await pay.orders.close('G0001');
    assert.equal((await pay.orders.queryByOutTradeNo('G0001')).trade_state, 'CLOSED');
  });

  it('a statement verifies and adds up, and so do settlements', async () => {
    const id = await desk.paid('G0001');
    await desk.refund('G0001', 'R1', 1000);
    desk.at('2026-03-02T10:00:00');
    const rows = [];
    const reader = readGlobalStatement(await pay.statements.download({ date: '20260301' }));
    for await (const row of reader) rows.push(row);
    assert.deepEqual(
      rows.map((row) => [row.transaction_id, row.trade_state, row.order_amount, row.requested_refund_amount]),
      [
        [id, 'SUCCESS', 2590, 0],
        [id, 'REFUND', 0, 1000],
      ],
    );
    assert.deepEqual([rows[0]?.payer_amount, rows[1]?.payer_refund_amount], [2383, 920]);
    const settlements = [];
    const days = { settle_start_date: '20260301', settle_end_date: '20260302' };
    for await (const one of pay.settlements.all({ settle_state: 'SETTLED', ...days }, { limit: 1 })) {
      settlements.push(one.amount?.net);
    }
    assert.deepEqual(settlements, [1590]);
    await rejected(pay.statements.download({ date: '20260228' }), 'NO_STATEMENT_EXIST');
    await rejected(pay.statements.download({ date: '20260302' }), 'STATEMENT_CREATING');
  });

  it('complaints are on the overseas paths, too', async () => {
    await desk.paid('G0001');
    const { complaint_id } = desk.simulator.gateway.complaints.complain({
      out_trade_no: 'G0001',
      payer_phone: '85291234567',
    });
    const complaint = await pay.complaints.get(complaint_id);
    assert.equal(pay.sensitive.decrypt(complaint.payer_phone ?? ''), '85291234567');
    const { mchid: complainted_mchid } = desk.who('merchant');
    await pay.complaints.respond(complaint_id, { complainted_mchid, response_content: 'Sorry' });
    assert.equal((await pay.complaints.get(complaint_id)).complaint_state, 'PROCESSING');
  });

  it('certificates are downloaded where no public key is configured', async () => {
    const { publicKeys: _, ...rest } = options('merchant');
    const certified = new WechatPayGlobal({ ...rest, downloadCertificates: true });
    try {
      const { code_url } = await certified.native.create(ORDER);
      assert.match(code_url, /^weixin:/);
      assert.equal((await certified.certificates.list()).length, 1);
    } finally {
      await certified.close();
    }
  });

  it('what the gateway refuses says which error it is', async () => {
    await pay.native.create(ORDER);
    await rejected(pay.native.create({ ...ORDER, attach: 'other' }), 'OUT_TRADE_NO_USED');
    await rejected(pay.orders.queryByOutTradeNo('UNKNOWN'), 'ORDER_NOT_EXIST');
    await rejected(pay.refunds.queryByOutRefundNo('R1'), 'RESOURCE_NOT_EXISTS');
    const amount = { total: 1, currency: 'XXX' as 'HKD' };
    await assert.rejects(pay.native.create({ ...ORDER, out_trade_no: 'G2', amount }), RequestRejectedError);
    const { mchid, appid } = desk.who('merchant');
    const lost = new WechatPay({ ...options('merchant'), mchid, appid });
    try {
      const error = await lost.orders.queryByOutTradeNo('G0001').then(
        () => undefined,
        (reason: WechatPayError) => reason,
      );
      assert.ok(error && !(error instanceof ConfigurationError));
      assert.match(error.fix, /WechatPayGlobal/);
    } finally {
      await lost.close();
    }
  });
});
