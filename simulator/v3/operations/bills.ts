import { z } from 'zod';
import type { OfferedFile } from '../../bills/downloads.ts';
import type { BuiltBill, Packing } from '../../bills/file.ts';
import { FUND_FLOW_FAULTS, TRADE_BILL_FAULTS } from '../../faults/fault.ts';
import { GatewayError, paramError } from '../../gateway-error.ts';
import { encryptField } from '../../keys/sensitive-field.ts';
import { type Call, type CheckedCall, type Operation, subMerchant } from '../operation.ts';
import { publicUrl } from '../public-url.ts';
import { checkFields } from '../request-body.ts';

const tarType = z.enum(['GZIP']).optional();
/** Older pages have the other ones: there are no recharges here, and no special bills that differ. */
const tradeTypes = {
  ALL: 'ALL',
  SUCCESS: 'SUCCESS',
  REFUND: 'REFUND',
  ALL_SPECIAL: 'ALL',
  SUC_SPECIAL: 'SUCCESS',
  REF_SPECIAL: 'REFUND',
  RECHARGE_REFUND: undefined,
} as const;
const tradeType = z.enum(Object.keys(tradeTypes) as [keyof typeof tradeTypes]).optional();
const account = z.enum(['BASIC', 'OPERATION', 'FEES']).optional();
const subMerchantAccount = z.enum(['BASIC', 'OPERATION', 'FEES', 'DEPOSIT']);
const ecommerceAccount = z.enum(['ALL', 'BASIC', 'OPERATION', 'FEES']);
const algorithm = z.enum(['AEAD_AES_256_GCM']);
const KEY_BYTES = 32;
const NONCE_LENGTH = 12;

/** Bills of merchants and service providers, and their download (official pages of GET /v3/bill/…). */
export const billOperations: readonly Operation[] = [
  {
    name: 'bill.trade',
    method: 'GET',
    path: /^\/v3\/bill\/tradebill$/,
    faults: TRADE_BILL_FAULTS,
    check: checkTrade,
  },
  {
    name: 'bill.fund_flow',
    method: 'GET',
    path: /^\/v3\/bill\/fundflowbill$/,
    faults: FUND_FLOW_FAULTS,
    check: checkFundFlow,
  },
  {
    name: 'bill.sub_merchant_fund_flow',
    method: 'GET',
    path: /^\/v3\/bill\/sub-merchant-fundflowbill$/,
    faults: FUND_FLOW_FAULTS,
    check: checkSubMerchantFundFlow,
  },
  {
    name: 'bill.ecommerce_fund_flow',
    method: 'GET',
    path: /^\/v3\/ecommerce\/bill\/fundflowbill$/,
    faults: FUND_FLOW_FAULTS,
    check: checkEcommerceFundFlow,
  },
  {
    name: 'bill.download',
    method: 'GET',
    path: /^\/v3\/(?:billdownload\/file|bill\/downloadurl)$/,
    check: checkDownload,
  },
];

function checkTrade(call: Call): CheckedCall {
  const { gateway, caller, query } = call;
  const type = tradeTypes[parameter(query, 'bill_type', tradeType) ?? 'ALL'];
  const gzip = parameter(query, 'tar_type', tarType) === 'GZIP';
  const subMchid = query.get('sub_mchid') ?? undefined;
  if (subMchid !== undefined) subMerchant(caller, subMchid);
  return {
    subject: subjectOf(call),
    run: async (_, fireFaults) => {
      if (!type) throw new GatewayError(400, 'NO_STATEMENT_EXIST', '请求的账单文件不存在');
      const owner = { mchid: caller.mchid, subMchid };
      const bill = await gateway.bills.trade(owner, query.get('bill_date'), type, fireFaults);
      return offered(call, bill, 1, { gzip });
    },
  };
}

function checkFundFlow(call: Call): CheckedCall {
  const { gateway, caller, query } = call;
  const fundAccount = parameter(query, 'account_type', account) ?? 'BASIC';
  const gzip = parameter(query, 'tar_type', tarType) === 'GZIP';
  return {
    subject: subjectOf(call),
    run: async (_, fireFaults) => {
      const bill = await gateway.bills.fundFlow(caller, query.get('bill_date'), fundAccount, fireFaults);
      return offered(call, bill, 1, { gzip });
    },
  };
}

function checkSubMerchantFundFlow(call: Call): CheckedCall {
  const { gateway, caller, query } = call;
  const fundAccount = parameter(query, 'account_type', subMerchantAccount);
  const gzip = encryptedGzip(query);
  const subMchid = query.get('sub_mchid');
  if (!subMchid) throw paramError({ field: 'sub_mchid', issue: 'required', location: 'query' });
  mustBeProvider(call);
  subMerchant(caller, subMchid);
  return {
    subject: subjectOf(call),
    run: async (_, fireFaults) => {
      const owner = { mchid: caller.mchid, subMchid };
      const date = query.get('bill_date');
      const bill = await gateway.bills.subMerchantFundFlow(owner, date, fundAccount, fireFaults);
      return offeredParts(call, bill, gzip);
    },
  };
}

function checkEcommerceFundFlow(call: Call): CheckedCall {
  const { gateway, caller, query } = call;
  const fundAccount = parameter(query, 'account_type', ecommerceAccount);
  const gzip = encryptedGzip(query);
  mustBeProvider(call);
  return {
    subject: subjectOf(call),
    run: async (_, fireFaults) => {
      const date = query.get('bill_date');
      const bill = await gateway.bills.subMerchantFundFlow(caller, date, fundAccount, fireFaults);
      return offeredParts(call, bill, gzip);
    },
  };
}

function checkDownload({ gateway, caller, query }: Call): CheckedCall {
  const token = query.get('token');
  if (!token) throw paramError({ field: 'token', issue: 'required', location: 'query' });
  return { subject: { mchid: caller.mchid }, run: () => gateway.bills.downloads.fetch(caller.mchid, token) };
}

function subjectOf({ caller, query }: Call): CheckedCall['subject'] {
  return { mchid: caller.mchid, billDate: query.get('bill_date') ?? undefined };
}

/** A checked parameter of the query. @throws GatewayError 400 PARAM_ERROR */
function parameter<T>(query: URLSearchParams, name: string, schema: z.ZodType<T>): T {
  return checkFields(schema, query.get(name) ?? undefined, 'query', name);
}

/** Whether an encrypted bill is to be compressed. @throws GatewayError 400 PARAM_ERROR */
function encryptedGzip(query: URLSearchParams): boolean {
  parameter(query, 'algorithm', algorithm);
  return parameter(query, 'tar_type', tarType) === 'GZIP';
}

function mustBeProvider({ caller }: Call): void {
  if (caller.role !== 'partner') throw new GatewayError(403, 'NO_AUTH', '商户无权限');
}

/** Offers a part of a bill for five minutes, on the host that was called. */
function offered(
  { gateway, caller, host, secure }: Call,
  bill: BuiltBill,
  part: number,
  packing: Packing,
): { hash_type: 'SHA1'; hash_value: string; download_url: string } {
  const file = (): OfferedFile => ({
    contentType: fileType(packing),
    content: bill.content(part, packing),
  });
  const token = gateway.bills.downloads.offer(caller.mchid, file);
  const path = `/v3/billdownload/file?token=${token}${packing.gzip ? '&tartype=gzip' : ''}`;
  return {
    hash_type: 'SHA1',
    hash_value: bill.sha1s[part - 1] ?? '',
    download_url: publicUrl({ host, secure }, path),
  };
}

/** What clients tell files apart by: `wechatpay-node-v3`, for one, keeps nothing of other types. */
function fileType({ gzip, encrypt }: Packing): string {
  if (encrypt) return 'application/octet-stream';
  return gzip ? 'application/x-gzip' : 'text/plain';
}

/** Offers all parts of a bill, each under a key of its own that only the caller can read. */
function offeredParts(call: Call, bill: BuiltBill, gzip: boolean): object {
  const { gateway, caller } = call;
  const { merchantPublicKey } = gateway.world.get(caller.mchid);
  const parts = bill.sha1s.map((_, index) => {
    // Text, because clients read what they decrypt as text.
    const key = gateway.random.text(KEY_BYTES);
    const nonce = gateway.random.text(NONCE_LENGTH);
    return {
      bill_sequence: index + 1,
      ...offered(call, bill, index + 1, { gzip, encrypt: { key: Buffer.from(key), nonce } }),
      encrypt_key: encryptField(key, merchantPublicKey),
      nonce,
    };
  });
  return { download_bill_count: parts.length, download_bill_list: parts };
}
