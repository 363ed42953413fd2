import type { Readable } from 'node:stream';
import { openBillFile } from '../bills/file.ts';
import { endpoints } from '../endpoint.ts';
import { RequestRejectedError } from '../errors.ts';
import type { Role } from './role.ts';
import type { Sensitive } from './sensitive.ts';
import type { Transport } from './transport.ts';

/** Applying for bills, and their files. */
export const BILL_ENDPOINTS = endpoints({
  'bills.trade': { method: 'GET', path: '/v3/bill/tradebill' },
  'bills.fundFlow': {
    method: 'GET',
    path: '/v3/bill/fundflowbill',
    rateLimit: { requests: 3, perSeconds: 1 },
  },
  'bills.subMerchantFundFlow': { method: 'GET', path: '/v3/bill/sub-merchant-fundflowbill' },
  'bills.ecommerceFundFlow': { method: 'GET', path: '/v3/ecommerce/bill/fundflowbill' },
  'bills.download': { method: 'GET', path: '/v3/billdownload/file' },
});

/** Which orders a trade bill has. The last four are on older official pages only. */
export type TradeBillType =
  | 'ALL'
  | 'SUCCESS'
  | 'REFUND'
  | 'RECHARGE_REFUND'
  | 'ALL_SPECIAL'
  | 'SUC_SPECIAL'
  | 'REF_SPECIAL';

/** Which account a fund-flow bill is about. */
export type FundFlowAccount = 'BASIC' | 'OPERATION' | 'FEES';

/** A day's bill. */
export interface BillQuery {
  /** `yyyy-MM-dd` in Asia/Shanghai: a past day of the last three months. Built from 09:00 of the next day on; ask after 10:00. */
  bill_date: string;
  /** Compressed files are a tenth of the size. Default: compressed; `null` asks for plain text. */
  tar_type?: 'GZIP' | null;
}

/** Where a bill lies, for five minutes. */
export interface BillAddress {
  hash_type: 'SHA1';
  /** Over the decompressed bytes. */
  hash_value: string;
  download_url: string;
}

/** Part of an encrypted bill. */
export interface EncryptedBillAddress extends BillAddress {
  bill_sequence: number;
  /** Encrypted for the merchant API certificate. */
  encrypt_key: string;
  nonce: string;
}

/** Where the parts of an encrypted bill lie. */
export interface EncryptedBill {
  download_bill_count: number;
  download_bill_list: EncryptedBillAddress[];
}

/**
 * Statements of what WeChat Pay knows of a day. Ask for one, {@link download} it at once, and read it with `readTradeBill` or
 * `readFundFlowBill`:
 *
 * ```ts
 * const address = await pay.bills.trade({ bill_date: '2026-03-01' });
 * const bill = readTradeBill(await pay.bills.download(address));
 * for await (const row of bill.rows()) …
 * ```
 *
 * An empty day is 400 NO_STATEMENT_EXIST; a bill that is not built yet 400 STATEMENT_CREATING, to be asked for again in half an hour.
 */
export class Bills<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #sensitive: Sensitive;

  constructor(transport: Transport, sensitive: Sensitive) {
    this.#transport = transport;
    this.#sensitive = sensitive;
  }

  /** A day's orders and refunds: orders by the time of payment, refunds by that of acceptance. @throws WechatPayError */
  async trade(
    query: BillQuery & {
      bill_type?: TradeBillType;
    } & (R extends 'partner' ? { sub_mchid?: string } : unknown),
  ): Promise<BillAddress> {
    return await this.#address('bills.trade', { tar_type: 'GZIP', ...query });
  }

  /** A day's movements of an account, fees included. @throws WechatPayError */
  async fundFlow(query: BillQuery & { account_type?: FundFlowAccount }): Promise<BillAddress> {
    return await this.#address('bills.fundFlow', { tar_type: 'GZIP', ...query });
  }

  /** For service providers: a sub-merchant's movements, encrypted. @throws WechatPayError */
  async subMerchantFundFlow(
    query: R extends 'partner'
      ? BillQuery & { sub_mchid: string; account_type: FundFlowAccount | 'DEPOSIT' }
      : never,
  ): Promise<EncryptedBill> {
    return await this.#encrypted('bills.subMerchantFundFlow', query as BillQuery);
  }

  /** For service providers of marketplaces: the movements of all their sub-merchants, encrypted. @throws WechatPayError */
  async ecommerceFundFlow(
    query: R extends 'partner' ? BillQuery & { account_type: FundFlowAccount | 'ALL' } : never,
  ): Promise<EncryptedBill> {
    return await this.#encrypted('bills.ecommerceFundFlow', query as BillQuery);
  }

  /**
   * The decrypted, decompressed bytes as they come. WeChat Pay does not sign files: what proves them is their SHA-1, which is compared at
   * the end, so nothing read before that may be believed.
   *
   * The file is fetched through the configured host; an address on a host that is not WeChat Pay's is refused.
   * @throws WechatPayError 400 INVALID_REQUEST when the address has expired: ask for the bill again. The stream itself fails with a BillError
   * or, when the connection breaks, an OutcomeUnknownError.
   */
  async download(address: BillAddress | EncryptedBillAddress): Promise<Readable> {
    return this.open(await this.fetch(address), address);
  }

  /**
   * The bytes as they arrive, compressed and perhaps encrypted: for whoever keeps the file before looking into it. {@link open} reads them, then or
   * later. @throws WechatPayError as {@link download}
   */
  async fetch(address: BillAddress | EncryptedBillAddress): Promise<Readable> {
    this.#requireSha1(address);
    const target = this.#transport.ownTarget(address.download_url, 'download_url');
    return (await this.#transport.open(target)).body;
  }

  /** The decrypted, decompressed bytes of a file that was fetched, checked as {@link download} does. @throws WechatPayError when its key cannot be read. */
  open(bytes: Readable, address: BillAddress | EncryptedBillAddress): Readable {
    this.#requireSha1(address);
    const decrypt =
      'encrypt_key' in address
        ? { key: this.#sensitive.decryptBytes(address.encrypt_key), nonce: address.nonce }
        : undefined;
    return openBillFile(bytes, { sha1: address.hash_value, gzip: 'detect', ...(decrypt && { decrypt }) });
  }

  #requireSha1({ hash_type }: BillAddress): void {
    if (hash_type === 'SHA1') return;
    throw new RequestRejectedError(`The hash type ${hash_type} is not known.`, {
      code: 'PARAM_ERROR',
      field: 'hash_type',
    });
  }

  async #address(name: keyof typeof BILL_ENDPOINTS, query: BillQuery): Promise<BillAddress> {
    return await this.#transport.call<BillAddress>(
      { endpoint: BILL_ENDPOINTS[name], query: sendable(query) },
      { hash_type: true, hash_value: true, download_url: true },
    );
  }

  async #encrypted(name: keyof typeof BILL_ENDPOINTS, query: BillQuery): Promise<EncryptedBill> {
    return await this.#transport.call<EncryptedBill>(
      {
        endpoint: BILL_ENDPOINTS[name],
        query: sendable({ tar_type: 'GZIP', ...query, algorithm: 'AEAD_AES_256_GCM' }),
      },
      { download_bill_list: Array.isArray },
    );
  }
}

/** A query without its nulls. */
function sendable(query: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value !== null && value !== undefined),
  );
}
