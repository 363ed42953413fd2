/**
 * The codes an error can carry, each with the sentence that says what to do. Gateway codes: the error tables of the official order,
 * query, close and refund pages; the other code of rate limits: official page 4012081717.
 */
const FIXES = {
  // The gateway's own.
  PARAM_ERROR: 'Correct the named field; the same request fails again.',
  INVALID_REQUEST: 'The gateway does not accept this request as it is; correct it before sending it again.',
  APPID_MCHID_NOT_MATCH:
    'Bind the appid to the merchant number on the merchant platform, or use the one that is bound.',
  MCH_NOT_EXISTS: 'Check the merchant number.',
  ORDER_CLOSED: 'The order is closed; take a new out_trade_no.',
  ORDER_PAID: 'The order is paid already; query it and take the paid path.',
  ORDER_NOT_EXIST:
    'The gateway has no such order under this merchant number; send the order again with the same body.',
  ORDER_REVERSED: 'The order was reversed; take a new out_trade_no.',
  RESOURCE_NOT_EXISTS:
    'The gateway has nothing under this number; check it. A refund was not accepted, or its order is unpaid: send it again with the same body.',
  OUT_TRADE_NO_USED:
    'This out_trade_no was used with other parameters; query the order, and send its exact first body.',
  INVALID_TRANSACTIONID: 'Check the transaction_id; it is not one of this merchant.',
  OPENID_MISMATCH: 'Use the openid of the payer under the appid of the order.',
  TRADE_ERROR: 'The gateway refused the trade for the stated reason; it will not change by itself.',
  REFUND_FEE_MISMATCH:
    'This out_refund_no was used with other amounts; query the refund, and send its exact first body.',
  TRADE_OVERDUE: 'The order is older than a year; pay the customer back by other means.',
  RULE_LIMIT: 'A business rule of WeChat Pay forbids this; see the reason given, on the merchant platform.',
  ACCOUNT_ERROR: 'Check the state of the merchant account on the merchant platform.',
  USER_ACCOUNT_ABNORMAL: "The customer's account cannot receive it; pay the customer back by other means.",
  NOT_ENOUGH: 'Top up the account that pays refunds, then send the same refund number with the same body.',
  SIGN_ERROR:
    'Check that the private key, the certificate serial number and the merchant number belong together, and the clock.',
  NO_AUTH: 'Enable this product or right for the merchant number on the merchant platform.',
  FREQUENCY_LIMITED:
    'Slow down, then repeat the same request; query a refund first, it may have been accepted.',
  SYSTEM_ERROR: 'Query, then repeat the same request with the same body.',
  BANK_ERROR: 'Query, then repeat the same request with the same body.',
  SERVICE_UNAVAILABLE: 'Query, then repeat the same request with the same body.',
  USER_PAYING: 'The customer is entering a password; wait five seconds, then query.',
  // The v2 API's, and bills.
  APPID_NOT_EXIST: 'Check the appid; WeChat Pay knows no such one.',
  MCHID_NOT_EXIST: 'Check the merchant number; WeChat Pay knows no such one.',
  LACK_PARAMS: 'Add the field that is said to be missing; the same request fails again.',
  XML_FORMAT_ERROR: 'The XML of the request is not well-formed; let this library write it.',
  NOT_UTF8: 'Send the request in UTF-8; let this library write it.',
  REQUIRE_POST_METHOD: 'Send it with POST; look for a proxy that changes the method.',
  POST_DATA_EMPTY: 'The body got lost on its way; look for a proxy in between.',
  AUTHCODEEXPIRE: 'Let the customer refresh the payment code, and scan it again under a new out_trade_no.',
  AUTH_CODE_ERROR: 'Scan the payment code of the customer again, under a new out_trade_no.',
  AUTH_CODE_INVALID: 'This is no payment code of WeChat; scan the right one.',
  NOTSUPORTCARD: 'The card of the customer cannot pay this; let the customer choose another one.',
  BUYER_MISMATCH: 'One order has one payer; take a new out_trade_no for another customer.',
  REVERSE_EXPIRE: 'The order can no longer be reversed; refund it.',
  BIZERR_NEED_RETRY: 'Repeat the same refund number with the same body.',
  INVALID_REQ_TOO_MUCH:
    'Too many requests of this merchant failed; find out why, and repeat this one after a minute.',
  ERROR: 'The gateway refused it for the stated reason; it will not change by itself.',
  NO_STATEMENT_EXIST:
    'There is no bill for this day: nothing happened on it, or it is not yet past 10:00 (Asia/Shanghai) of the next one.',
  STATEMENT_CREATING: 'The bill is being made; ask again in half an hour.',
  // Ours.
  ACCEPTED: 'The gateway has not finished; repeat the same request.',
  TIMEOUT: 'Query, then repeat the same request with the same body.',
  CONNECTION:
    'Check the network, DNS and proxies; then query, and repeat the same request with the same body.',
  BAD_SIGNATURE:
    'The body cannot be believed, yet the operation may have been executed: query, then repeat the same request. If it lasts, check the public keys, their ids, and whether a proxy changes answers.',
  UNEXPECTED_ANSWER: 'This is not how WeChat Pay answers; look for a proxy in between, and at the base URL.',
  INVALID_CONFIGURATION: 'Correct the options of the client.',
  BILL_HASH_MISMATCH:
    'Use no row of this file; apply for the bill again and download it anew. If it lasts, look for a proxy that changes answers.',
  BILL_CORRUPT: 'Use no row of this file; apply for the bill again and download all of it.',
  BILL_MALFORMED:
    'Use no row of this file; compare the named line with the official description of this bill, and check that it is the bill and not an error page.',
  NOTIFICATION_FORGED:
    'Answer 4xx. A genuine one comes again; if all fail, check the public keys and their ids, and that the raw bytes of the body arrive unchanged.',
  NOTIFICATION_STALE: 'Answer 4xx. If it happens to all of them, set the clock of this machine.',
  NOTIFICATION_UNDECRYPTABLE:
    'Answer 4xx and compare the APIv3 key (of XML notifications, the APIv2 key) with the one on the merchant platform; it comes again.',
} as const;

/** A code this library knows. */
export type KnownErrorCode = keyof typeof FIXES;

/** Any code; the gateway may have new ones. The empty intersection keeps the known ones visible to editors. */
export type ErrorCode = KnownErrorCode | (string & {});

/** Older spellings that still occur, and two names of one thing. */
const SPELLINGS: Record<string, KnownErrorCode> = {
  ORDERNOTEXIST: 'ORDER_NOT_EXIST',
  ORDERNOTEXISTS: 'ORDER_NOT_EXIST',
  ORDER_NOT_EXISTS: 'ORDER_NOT_EXIST',
  ORDERPAID: 'ORDER_PAID',
  ORDERCLOSED: 'ORDER_CLOSED',
  ORDERREVERSED: 'ORDER_REVERSED',
  NOTENOUGH: 'NOT_ENOUGH',
  NOAUTH: 'NO_AUTH',
  SIGNERROR: 'SIGN_ERROR',
  SYSTEMERROR: 'SYSTEM_ERROR',
  BANKERROR: 'BANK_ERROR',
  USERPAYING: 'USER_PAYING',
  RULELIMIT: 'RULE_LIMIT',
  TRADEERROR: 'TRADE_ERROR',
  PARAMERROR: 'PARAM_ERROR',
  RESOURCE_NOT_EXIST: 'RESOURCE_NOT_EXISTS',
  MCH_NOT_EXIST: 'MCH_NOT_EXISTS',
  FREQUENCYLIMITED: 'FREQUENCY_LIMITED',
  FREQUENCY_LIMIT: 'FREQUENCY_LIMITED',
  RATELIMIT_EXCEEDED: 'FREQUENCY_LIMITED',
  RATE_LIMIT_EXCEEDED: 'FREQUENCY_LIMITED',
  REFUNDNOTEXIST: 'RESOURCE_NOT_EXISTS',
  NO_BILL_EXIST: 'NO_STATEMENT_EXIST',
  BILL_CREATING: 'STATEMENT_CREATING',
};

const spellings = new Map(Object.entries(SPELLINGS));
const fixes = new Map<string, string>(Object.entries(FIXES));

/** The one spelling of a gateway code; a code we do not know stays as it is. */
export function normaliseCode(gatewayCode: string): ErrorCode {
  return spellings.get(gatewayCode) ?? gatewayCode;
}

/** What to do about a code. */
export function fixFor(code: ErrorCode): string {
  return fixes.get(code) ?? 'See the code on the official page of this call.';
}

/** The overseas API; what is not below it is the mainland's. */
const OVERSEAS_PATH = /^\/v3\/global\//;

/**
 * What to do about an error that its field, its path or its words explain better than its code does. Only the advice depends on these:
 * the class, the outcome and the code never do. Undefined: what {@link fixFor} says.
 */
export function adviceFor({
  code,
  message = '',
  field = '',
  path,
}: {
  code: ErrorCode;
  message?: string | undefined;
  field?: string | undefined;
  path: string;
}): string | undefined {
  const overseas = OVERSEAS_PATH.test(path);
  if (/currency$/.test(field)) {
    return overseas
      ? 'Use a currency that this merchant number was opened for, in its ISO 4217 spelling; a refund is in the currency of its order.'
      : 'The mainland API takes CNY only; merchant numbers for other currencies are overseas ones, for WechatPayGlobal.';
  }
  // 暂不支持境外支付: the mainland API refuses merchant numbers that were opened outside of mainland China.
  if (!overseas && code === 'INVALID_REQUEST' && message.includes('境外'))
    return 'This is the merchant number of an overseas merchant: use WechatPayGlobal, whose calls go to /v3/global.';
  // Customers pay and get back CNY, which is exchanged into the merchant's currency once a day.
  if (overseas && code === 'NOT_ENOUGH')
    return 'Overseas refunds are paid from the CNY of payments not yet exchanged: wait for some, then send the same refund number with the same body.';
  // How the overseas API words it is not documented, so that everything that may be it is told of it.
  if (overseas && ['INVALID_REQUEST', 'NO_AUTH', 'MCH_NOT_EXISTS'].includes(code)) {
    return `${fixFor(code)} The overseas API serves merchant numbers that were opened outside of mainland China only: a mainland one needs WechatPay.`;
  }
  return undefined;
}
