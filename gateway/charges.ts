import type { Payment } from '../database/payments.ts';
import { type ChargedProduct, PRODUCTS } from '../domain/product.ts';
import { OutcomeUnknownError, type WechatPay, WechatPayError, WechatPayPartner } from '../wechatpay/index.ts';
import { type GatewayOrder, orderOfV2, v2Order } from './order.ts';

/** What a charge was answered: the order, or nothing but its state while the customer types the password. */
export type ChargeAnswer = Partial<GatewayOrder> & Pick<GatewayOrder, 'trade_state'>;

/** Orders that charge what the customer has shown, in the same words for v3 and v2. */
export interface Charges {
  /**
   * Charges a code. Never call it twice for one payment: what is not known of a charge is asked (official page 4012075249).
   * @throws WechatPayError
   */
  charge(payment: Payment, code: string): Promise<ChargeAnswer>;
  queryOrder(outTradeNo: string): Promise<GatewayOrder>;
  /**
   * Takes the order back: nobody can pay it any more, and what was paid goes back.
   * @throws WechatPayError with an unknown outcome when WeChat Pay asks to be called again.
   */
  reverseOrder(outTradeNo: string): Promise<void>;
}

/** For whom a service provider acts; both null for a merchant. */
interface SubMerchant {
  subMchid: string | null;
  subAppid: string | null;
}

/** The charges of a product. */
export function chargesOf(
  wechat: WechatPay | WechatPayPartner,
  product: ChargedProduct,
  of: SubMerchant,
): Charges {
  const charges = PRODUCTS[product].api === 'v3' ? byCodepay(wechat, of) : byXml(wechat, product, of);
  return { ...charges, charge: (payment, code) => unlessTyping(charges.charge(payment, code)) };
}

/** A password that is being typed is a state; the gateway may say it as an error. */
async function unlessTyping(charging: Promise<ChargeAnswer>): Promise<ChargeAnswer> {
  try {
    return await charging;
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'USER_PAYING') return { trade_state: 'USERPAYING' };
    throw error;
  }
}

/** Payment codes of v3. */
function byCodepay(wechat: WechatPay | WechatPayPartner, { subMchid, subAppid }: SubMerchant): Charges {
  const sub = {
    ...(subMchid !== null && { sub_mchid: subMchid }),
    ...(subAppid !== null && { sub_appid: subAppid }),
  };
  return {
    charge: (payment, code) =>
      wechat.codepay.create({
        description: payment.description,
        out_trade_no: payment.outTradeNo,
        ...(payment.attach !== null && { attach: payment.attach }),
        ...codepayTerms(payment),
        amount: { total: payment.amount, currency: payment.currency },
        payer: { auth_code: code },
        ...sub,
        scene_info: payment.sceneInfo,
        // The row has what its product and its merchant's role need: the API checks it.
      } as never),
    queryOrder: (outTradeNo) =>
      wechat instanceof WechatPayPartner
        ? wechat.orders.queryByOutTradeNo(outTradeNo, { sub_mchid: subMchid ?? '' })
        : wechat.orders.queryByOutTradeNo(outTradeNo),
    async reverseOrder(outTradeNo) {
      if (wechat instanceof WechatPayPartner) await wechat.codepay.reverse(outTradeNo, sub as never);
      else await wechat.codepay.reverse(outTradeNo);
    },
  };
}

/** Its goods are called otherwise than those of other orders (official page of payment codes). */
function codepayTerms({ terms: { detail, ...terms } }: Payment): object {
  if (detail === undefined || typeof detail === 'string') return terms;
  const goods = detail.goods_detail?.map(({ wechatpay_goods_id: id, ...rest }) => ({
    ...rest,
    ...(id !== undefined && { wxpay_goods_id: id }),
  }));
  return { ...terms, detail: { ...detail, ...(goods && { goods_detail: goods }) } };
}

/** Payment codes and faces of the XML API, each with calls of its own. */
function byXml(
  wechat: WechatPay | WechatPayPartner,
  product: ChargedProduct,
  { subMchid, subAppid }: SubMerchant,
): Charges {
  const sub = {
    ...(subMchid !== null && { sub_mch_id: subMchid }),
    ...(subAppid !== null && { sub_appid: subAppid }),
  };
  const face = PRODUCTS[product].charges === 'face_code';
  return {
    async charge(payment, code) {
      const { v2 } = wechat;
      const order = { ...v2Order(payment), ...sub };
      const paid = face
        ? await v2.facepay({ ...order, face_code: code, fee_type: payment.currency })
        : await v2.micropay({ ...order, ...(order.detail && { version: '1.0' }), auth_code: code });
      return orderOfV2({ ...paid, trade_state: 'SUCCESS' });
    },
    async queryOrder(outTradeNo) {
      const { v2 } = wechat;
      const asked = { out_trade_no: outTradeNo, ...sub };
      return orderOfV2(await (face ? v2.facepayQuery(asked) : v2.orderQuery(asked)));
    },
    async reverseOrder(outTradeNo) {
      const { v2 } = wechat;
      const asked = { out_trade_no: outTradeNo, ...sub };
      const { recall } = await (face ? v2.facepayReverse(asked) : v2.reverse(asked));
      if (recall !== 'Y') return;
      throw new OutcomeUnknownError(`WeChat Pay asks for the reversal of ${outTradeNo} once more.`, {
        code: 'SYSTEM_ERROR',
      });
    },
  };
}
