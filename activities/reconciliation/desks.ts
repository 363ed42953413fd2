import type { BillKind } from '../../domain/region.ts';
import type { Merchants } from '../../gateway/merchants.ts';
import type { BillDesk } from './bill-desk.ts';
import { mainlandDesk } from './mainland-desk.ts';
import { overseasDesk } from './overseas-desk.ts';

/** The desk that has bills of this kind. @throws Error when the merchant is not of its region. */
export async function billDesk(merchants: Merchants, merchantId: string, kind: BillKind): Promise<BillDesk> {
  return kind === 'statement'
    ? overseasDesk(await merchants.overseas(merchantId))
    : mainlandDesk((await merchants.get(merchantId)).wechat);
}
