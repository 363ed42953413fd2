import type { Pool } from '../../database/pool.ts';
import type { AccountDay } from '../../database/reconciliation/account.ts';
import {
  appendBytes,
  type BillKind,
  billFileReceived,
  dropBillFile,
  insertBillFile,
} from '../../database/reconciliation/files.ts';
import type { Wechat } from '../../gateway/payment-gateway.ts';
import {
  type BillAddress,
  type EncryptedBillAddress,
  type WechatPay,
  WechatPayError,
  WechatPayPartner,
} from '../../wechatpay/index.ts';

/** What the bytes of a bill are cut into in the database. */
const PIECE_BYTES = 512 * 1024;

/** Where the parts of a bill lie. */
export type Addresses = (BillAddress | EncryptedBillAddress)[];

/**
 * Asks WeChat Pay for a bill. A service provider asks for one sub-merchant, whose fund flow comes encrypted and in parts.
 * @returns none for a day on which nothing happened. @throws WechatPayError; STATEMENT_CREATING while the bill is being made
 */
export async function applyFor(wechat: Wechat, day: AccountDay, kind: BillKind): Promise<Addresses> {
  const query = { bill_date: day.billDate };
  try {
    if (wechat instanceof WechatPayPartner) {
      const sub = { ...query, sub_mchid: day.subMchid ?? '' };
      if (kind === 'trade') return [await wechat.bills.trade(sub)];
      const { download_bill_list } = await wechat.bills.subMerchantFundFlow({
        ...sub,
        account_type: 'BASIC',
      });
      return download_bill_list.toSorted((one, other) => one.bill_sequence - other.bill_sequence);
    }
    return [await (kind === 'trade' ? wechat.bills.trade(query) : wechat.bills.fundFlow(query))];
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'NO_STATEMENT_EXIST') return [];
    throw error;
  }
}

/**
 * Downloads a bill and keeps it as it comes, before anybody looks into it. An address lives for five minutes and cannot be continued from the middle, so a
 * download that breaks off leaves nothing behind and begins anew.
 * @param progress is told how many bytes there are
 * @returns the file.
 */
export async function keepBill(
  pool: Pool,
  wechat: Wechat,
  { day, kind, addresses }: { day: AccountDay; kind: BillKind; addresses: Addresses },
  progress: (bytes: number) => void,
): Promise<number> {
  const file = await insertBillFile(pool, day, kind, addresses);
  try {
    let received = 0;
    for (const [part, address] of addresses.entries()) {
      let ordinal = 0;
      for await (const bytes of pieces(await billsOf(wechat).fetch(address))) {
        await appendBytes(pool, file, { part, ordinal, bytes });
        ordinal += 1;
        received += bytes.length;
        progress(received);
      }
    }
    await billFileReceived(pool, file, received);
    return file;
  } catch (error) {
    await dropBillFile(pool, file).catch(() => {});
    throw error;
  }
}

/** Files are fetched and opened in the same way for both roles. */
export function billsOf(wechat: Wechat): Pick<WechatPay['bills'], 'fetch' | 'open'> {
  return wechat.bills;
}

async function* pieces(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    held.push(chunk);
    length += chunk.length;
    if (length < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(held);
}
