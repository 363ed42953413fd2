import type { Scenario } from '../../simulator/index.ts';
import type { Shop } from './shop.ts';

const MERCHANTS = ['1900500001', '1900500002'];
const PROVIDER = '1900500003';
const SUB_MERCHANTS = [
  { mchid: '1900500004', appid: 'wx0000000000500004' },
  { mchid: '1900500005', appid: 'wx0000000000500005' },
];

/** Who is enrolled at the simulator for a month: two merchants, and a service provider with two sub-merchants. */
export const SCENARIO: Scenario = {
  merchants: [
    ...MERCHANTS.map((mchid) => ({ mchid, role: 'merchant' as const })),
    { mchid: PROVIDER, role: 'partner', sub_merchants: SUB_MERCHANTS },
  ],
};

/** The shops of a month. @param enrol enrols a merchant with the service. @returns its id. */
export async function shopsOf(
  enrol: (mchid: string, role: 'merchant' | 'partner') => Promise<string>,
): Promise<Shop[]> {
  const [first, second, provider] = await Promise.all([
    ...MERCHANTS.map((mchid) => enrol(mchid, 'merchant')),
    enrol(PROVIDER, 'partner'),
  ]);
  const own = [first, second].map((merchantId = '', index) => ({
    ...{ merchantId, mchid: MERCHANTS[index] ?? '', subMchid: null },
  }));
  const subs = SUB_MERCHANTS.map(({ mchid }) => ({
    ...{ merchantId: provider ?? '', mchid: PROVIDER, subMchid: mchid },
  }));
  return [...own, ...subs];
}
