import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import type { SimulatedMerchant } from '../../../simulator/merchants/merchant.ts';
import { WechatPay, WechatPayPartner } from '../../../wechatpay/client.ts';
import type { WechatPayOptions } from '../../../wechatpay/configuration.ts';
import { OutcomeUnknownError, RequestRejectedError } from '../../../wechatpay/errors.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const AUTH_CODE = '134567890123456789';
const CARD = { bank_account: '6222020200012345678', real_name: '张三' };
const STORE = { scene_info: { store_info: { out_id: 'S01' } } };
const SUB = { mchid: '1900088003', appid: 'wx0123456789abcdef' };
const MERCHANTS = { public_key: '1900088001', certificate: '1900088002' } as const;
const PROVIDERS = { public_key: '1900088004', certificate: '1900088005' } as const;
const MODES = ['public_key', 'certificate'] as const;

const amount = (total: number) => ({ total, currency: 'CNY' as const });

describe('simulator: our own client', () => {
  let simulator: Simulator;
  let receiver: Receiver;

  before(async () => {
    simulator = await startSimulator({
      notifyDelayMs: 0,
      refundDelayMs: Number.POSITIVE_INFINITY,
      scenario: {
        merchants: MODES.flatMap((mode) => [
          { mchid: MERCHANTS[mode], notified_with: mode },
          { mchid: PROVIDERS[mode], notified_with: mode, sub_merchants: [SUB] },
        ]),
      },
    });
  });
  beforeEach(async () => {
    simulator.gateway.reset();
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());
  after(() => simulator.close());

  function options(mchid: string, mode: (typeof MODES)[number]): WechatPayOptions {
    const merchant: SimulatedMerchant | undefined = simulator.world.find(mchid)?.merchant;
    assert.ok(merchant);
    return {
      mchid,
      appid: merchant.appid,
      serialNo: merchant.serialNo,
      privateKey: merchant.privateKeyPem,
      apiV3Key: merchant.apiV3Key,
      baseUrl: simulator.baseUrl,
      ...(mode === 'public_key'
        ? { publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem } }
        : { downloadCertificates: true }),
    };
  }
  const rejected = (code: string, httpStatus: number) => (error: unknown) => {
    assert.ok(error instanceof RequestRejectedError, String(error));
    assert.deepEqual([error.code, error.httpStatus], [code, httpStatus]);
    return true;
  };
  const raw = async (number: number) => {
    const { headers, body } = await receiver.delivery(number);
    return { headers, body: Buffer.from(body) };
  };

  for (const mode of MODES) {
    describe(`of a merchant, in ${mode} mode`, () => {
      let pay: WechatPay;
      beforeEach(() => {
        pay = new WechatPay(options(MERCHANTS[mode], mode));
      });
      afterEach(() => pay.close());

      const counter = (outTradeNo: string, total = 2590) => ({
        description: 'Tea',
        out_trade_no: outTradeNo,
        payer: { auth_code: AUTH_CODE },
        amount: amount(total),
        ...STORE,
      });
      const members = (name: string) =>
        ['0001', '0002'].map((part) => ({
          mchid: MERCHANTS[mode],
          attach: 'a',
          amount: { total_amount: 1000, currency: 'CNY' as const },
          out_trade_no: `${name}-${part}`,
          description: 'Tea',
        }));
      const combination = (name: string) => ({
        combine_out_trade_no: name,
        sub_orders: members(name),
        notify_url: receiver.url,
      });
      const paidOrder = async (outTradeNo: string) => {
        await pay.native.create({
          description: 'Tea',
          out_trade_no: outTradeNo,
          notify_url: receiver.url,
          amount: amount(2590),
        });
        simulator.gateway.pay(outTradeNo, { coupon: { amount: 200 } });
      };

      it('charges a payment code, waits for a password, and reverses', async () => {
        const paid = await pay.codepay.create(counter('CODE001'));
        assert.equal(paid.trade_state, 'SUCCESS');
        assert.deepEqual(await pay.orders.queryByOutTradeNo('CODE001'), paid);
        const pending = await pay.codepay.create(counter('CODE002', 100_000));
        assert.deepEqual(pending, { trade_state: 'USERPAYING' });
        await assert.rejects(pay.orders.close('CODE002'), rejected('INVALID_REQUEST', 400));
        simulator.gateway.fail('CODE002', 'wrong_password');
        assert.equal((await pay.orders.queryByOutTradeNo('CODE002')).trade_state, 'PAYERROR');
        for (const number of ['CODE001', 'CODE002']) {
          assert.equal((await pay.codepay.reverse(number)).out_trade_no, number);
          assert.equal((await pay.orders.queryByOutTradeNo(number)).trade_state, 'REVOKED');
        }
      });

      it('takes a 202 for an unknown outcome, and what was arranged for what it is', async () => {
        simulator.gateway.paymentCodes.arrange(AUTH_CODE, { outcome: 'password', pending_status: 202 });
        await assert.rejects(pay.codepay.create(counter('CODE001')), (error: unknown) => {
          assert.ok(error instanceof OutcomeUnknownError, String(error));
          assert.equal(error.code, 'USER_PAYING');
          return true;
        });
        assert.equal((await pay.orders.queryByOutTradeNo('CODE001')).trade_state, 'USERPAYING');
        simulator.gateway.paymentCodes.arrange(AUTH_CODE, { outcome: 'NOT_ENOUGH' });
        await assert.rejects(pay.codepay.create(counter('CODE002')), rejected('NOT_ENOUGH', 403));
      });

      it('combines orders of every product, is told of the payment, queries and closes', async () => {
        const person = { combine_payer_info: { openid: simulator.world.openid } };
        const jsapi = await pay.combine.jsapi.create({ ...combination('JSAPI01'), ...person });
        assert.match(jsapi.prepay_id, /^wx/);
        assert.match((await pay.combine.app.create(combination('APP0001'))).prepay_id, /^wx/);
        assert.match((await pay.combine.native.create(combination('NATIVE1'))).code_url, /^weixin:/);
        const scene_info = {
          device_id: 'POS7',
          payer_client_ip: '203.0.113.9',
          h5_info: { type: 'Wap' as const },
        };
        assert.match(
          (await pay.combine.h5.create({ ...combination('H500001'), scene_info })).h5_url,
          /^https:/,
        );

        simulator.gateway.pay('JSAPI01-0002');
        const order = await pay.combine.queryByOutTradeNo('JSAPI01');
        assert.deepEqual(
          order.sub_orders.map(({ trade_state }) => trade_state),
          ['SUCCESS', 'SUCCESS'],
        );
        const event = await pay.notifications.open(await raw(1));
        assert.ok(event.kind === 'combined', event.kind);
        assert.deepEqual(event.resource, order);

        await pay.combine.close(
          'NATIVE1',
          members('NATIVE1').map(({ mchid, out_trade_no }) => ({ mchid, out_trade_no })),
        );
        assert.equal((await pay.combine.queryByOutTradeNo('NATIVE1')).sub_orders[0]?.trade_state, 'CLOSED');
        await assert.rejects(pay.orders.queryByOutTradeNo('APP0001-0001'), rejected('ORDER_NOT_EXIST', 404));
        const total = { refund: 1000, total: 1000, currency: 'CNY' as const };
        const transaction_id = order.sub_orders[1]?.transaction_id ?? '';
        assert.equal(
          (await pay.refunds.apply({ transaction_id, out_refund_no: 'R1', amount: total })).out_trade_no,
          'JSAPI01-0002',
        );
      });

      it('refunds with the shares of a coupon, and sends an abnormal one to another card', async () => {
        await paidOrder('PAID001');
        const refund = await pay.refunds.apply({
          out_trade_no: 'PAID001',
          out_refund_no: 'R1',
          notify_url: receiver.url,
          amount: { refund: 1000, ...amount(2590) },
        });
        assert.deepEqual([refund.amount.payer_refund, refund.amount.discount_refund], [923, 77]);
        simulator.gateway.finishRefund('R1', 'ABNORMAL');
        const again = await pay.refunds.applyAbnormal(refund.refund_id, {
          out_refund_no: 'R1',
          type: 'USER_BANK_CARD',
          bank_type: 'ICBC_DEBIT',
          ...CARD,
        });
        assert.deepEqual(
          [again.status, again.channel, again.user_received_account],
          ['PROCESSING', 'OTHER_BANKCARD', 'ICBC_DEBIT 5678'],
        );
        assert.deepEqual(await pay.refunds.query('R1'), again);
        assert.deepEqual(simulator.gateway.refundBook.findByNumber('R1')?.payout, {
          type: 'USER_BANK_CARD',
          bankType: 'ICBC_DEBIT',
          bankAccount: CARD.bank_account,
          realName: CARD.real_name,
        });
        simulator.gateway.finishRefund('R1', 'SUCCESS');
        const kinds = await Promise.all(
          [1, 2, 3].map(async (number) => (await pay.notifications.open(await raw(number))).event_type),
        );
        assert.deepEqual(kinds.sort(), ['REFUND.ABNORMAL', 'REFUND.SUCCESS', 'TRANSACTION.SUCCESS']);
      });

      it('is told when there is not enough money, and when the person cannot receive it', async () => {
        await paidOrder('PAID001');
        const refund = {
          out_trade_no: 'PAID001',
          out_refund_no: 'R1',
          amount: { refund: 1000, ...amount(2590) },
        };
        simulator.gateway.setBalance(MERCHANTS[mode], { limited: true, UNSETTLED: 0, AVAILABLE: 0 });
        await assert.rejects(pay.refunds.apply(refund), rejected('NOT_ENOUGH', 403));
        simulator.gateway.setBalance(MERCHANTS[mode], { limited: true, AVAILABLE: 1000 });
        simulator.gateway.setPayerOf('PAID001', 'abnormal');
        await assert.rejects(pay.refunds.apply(refund), rejected('USER_ACCOUNT_ABNORMAL', 403));
        simulator.gateway.setPayerOf('PAID001', 'normal');
        assert.equal((await pay.refunds.apply(refund)).funds_account, 'AVAILABLE');
      });

      it('echoes texts in clear and encrypted, and is notified', async () => {
        const answer = await pay.security.echo('hi', { encrypted: '秘密', notifyUrl: receiver.url });
        assert.deepEqual(answer, { echo_message: 'hi', encrypted_echo_message: '秘密' });
        const event = await pay.notifications.open(await raw(1));
        assert.equal(event.event_type, 'SECURITY_ECHO.SUCCESS');
      });
    });

    describe(`of a service provider, in ${mode} mode`, () => {
      let pay: WechatPayPartner;
      const of = { sub_mchid: SUB.mchid };
      beforeEach(() => {
        pay = new WechatPayPartner(options(PROVIDERS[mode], mode));
      });
      afterEach(() => pay.close());

      it('charges a payment code and reverses it', async () => {
        const paid = await pay.codepay.create({
          ...of,
          description: 'Tea',
          out_trade_no: 'CODE001',
          payer: { auth_code: AUTH_CODE },
          amount: amount(2590),
          ...STORE,
        });
        assert.deepEqual([paid.trade_state, paid.sub_mchid], ['SUCCESS', SUB.mchid]);
        assert.equal((await pay.codepay.reverse('CODE001', of)).out_trade_no, 'CODE001');
        assert.equal((await pay.orders.queryByOutTradeNo('CODE001', of)).trade_state, 'REVOKED');
      });

      it('combines an order, is told of the payment, and closes another', async () => {
        const member = (outTradeNo: string) => ({
          mchid: PROVIDERS[mode],
          ...of,
          attach: 'a',
          amount: { total_amount: 1000, currency: 'CNY' as const },
          out_trade_no: outTradeNo,
          description: 'Tea',
        });
        for (const name of ['K1', 'K2']) {
          await pay.combine.native.create({
            combine_out_trade_no: name,
            sub_orders: [member(`${name}-0001`)],
            notify_url: receiver.url,
          });
        }
        simulator.gateway.pay('K1-0001');
        const order = await pay.combine.queryByOutTradeNo('K1');
        const event = await pay.notifications.open(await raw(1));
        assert.ok(event.kind === 'combined', event.kind);
        assert.deepEqual(event.resource, order);
        assert.equal(order.sub_orders[0]?.sub_mchid, SUB.mchid);
        await pay.combine.close('K2', [{ mchid: PROVIDERS[mode], ...of, out_trade_no: 'K2-0001' }]);
        assert.equal((await pay.combine.queryByOutTradeNo('K2')).sub_orders[0]?.trade_state, 'CLOSED');
      });

      it('refunds, and sends an abnormal refund to another card', async () => {
        await pay.native.create({
          ...of,
          description: 'Tea',
          out_trade_no: 'PAID001',
          notify_url: receiver.url,
          amount: amount(2590),
        });
        simulator.gateway.pay('PAID001');
        const refund = await pay.refunds.apply({
          ...of,
          out_trade_no: 'PAID001',
          out_refund_no: 'R1',
          amount: { refund: 1000, ...amount(2590) },
        });
        simulator.gateway.finishRefund('R1', 'ABNORMAL');
        const again = await pay.refunds.applyAbnormal(refund.refund_id, {
          ...of,
          out_refund_no: 'R1',
          type: 'USER_BANK_CARD',
          bank_type: 'CMB_DEBIT',
          ...CARD,
        });
        assert.equal(again.status, 'PROCESSING');
        assert.deepEqual(await pay.refunds.query('R1', of), again);
      });

      it('echoes an encrypted text', async () => {
        const answer = await pay.security.echo('hi', { encrypted: 'secret' });
        assert.equal(answer.encrypted_echo_message, 'secret');
      });
    });
  }
});
