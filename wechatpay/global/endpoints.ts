import { type Endpoint, endpoints } from '../endpoint.ts';

const order = (product: string): Endpoint => ({
  method: 'POST',
  path: `/v3/global/transactions/${product}`,
});

/** The frequency line of the pages of payment codes and of reversals. */
const rateLimit = { requests: 150, perSeconds: 1 };

/**
 * The API for merchants outside of mainland China. Institutions use the same paths as direct merchants; the fields tell them apart. Older
 * documents call `/hk/v3/…`.
 */
export const GLOBAL_ENDPOINTS = endpoints({
  'global.jsapi.create': order('jsapi'),
  'global.app.create': order('app'),
  'global.native.create': order('native'),
  'global.mweb.create': order('mweb'),
  'global.orders.queryById': { method: 'GET', path: '/v3/global/transactions/id/{id}' },
  'global.orders.queryByOutTradeNo': {
    method: 'GET',
    path: '/v3/global/transactions/out-trade-no/{out_trade_no}',
  },
  'global.orders.close': {
    method: 'POST',
    path: '/v3/global/transactions/out-trade-no/{out_trade_no}/close',
  },
  'global.micropay.pay': { method: 'POST', path: '/v3/global/micropay/transactions/pay', rateLimit },
  'global.micropay.reverseById': {
    method: 'POST',
    path: '/v3/global/micropay/transactions/id/{id}/reverse',
    rateLimit,
  },
  'global.micropay.reverseByOutTradeNo': {
    method: 'POST',
    path: '/v3/global/micropay/transactions/out-trade-no/{out_trade_no}/reverse',
    rateLimit,
  },
  'global.refunds.apply': { method: 'POST', path: '/v3/global/refunds', rateLimitedMayHaveHappened: true },
  'global.refunds.queryById': { method: 'GET', path: '/v3/global/refunds/id/{id}' },
  'global.refunds.queryByOutRefundNo': {
    method: 'GET',
    path: '/v3/global/refunds/out-refund-no/{out_refund_no}',
  },
  'global.refunds.list': { method: 'GET', path: '/v3/global/refunds' },
  'global.statements.download': { method: 'GET', path: '/v3/global/statements' },
  'global.settlements.list': { method: 'GET', path: '/v3/global/settle/settlements' },
  'global.certificates.list': {
    method: 'GET',
    path: '/v3/global/certificates',
    rateLimit: { requests: 1000, perSeconds: 1 },
  },
});
