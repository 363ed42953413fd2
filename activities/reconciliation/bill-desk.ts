import type { Readable } from 'node:stream';
import type { AccountDay } from '../../database/reconciliation/account.ts';
import type { BillKind } from '../../domain/region.ts';
import { WechatPayError } from '../../wechatpay/index.ts';

/** Where the bills of a merchant come from: the same steps, whichever API has them. */
export interface BillDesk {
  /** Asks for a bill. @throws WechatPayError; STATEMENT_CREATING while it is being made, NO_STATEMENT_EXIST when nothing happened */
  apply(day: AccountDay, kind: BillKind): Promise<BillPart[]>;
  /** The decrypted, decompressed bytes of a part that is kept, which fail at their end unless they are what WeChat Pay has issued. */
  open(bytes: Readable, said: unknown): Readable;
}

/** A part of a bill. */
export interface BillPart {
  /** What WeChat Pay said of it: what it takes to open it later is kept with it. */
  said: object;
  /** Its bytes as they arrive. @throws WechatPayError */
  fetch(): Promise<Readable>;
}

/**
 * Asks for a bill.
 * @returns none for a day on which nothing happened. @throws WechatPayError; STATEMENT_CREATING while the bill is being made
 */
export async function applyAt(desk: BillDesk, day: AccountDay, kind: BillKind): Promise<BillPart[]> {
  try {
    return await desk.apply(day, kind);
  } catch (error) {
    if (error instanceof WechatPayError && error.code === 'NO_STATEMENT_EXIST') return [];
    throw error;
  }
}
