/** Bills of WeChat Pay that a day is reconciled by. */
export const BILLS = {
  trade: { title: 'trade bill' },
  fund_flow: { title: 'fund flow' },
  /** Orders and refunds in the currencies of overseas merchants, with what they are settled at. */
  statement: { title: 'statement' },
} as const satisfies Record<string, { title: string }>;

/** Which bill. */
export type BillKind = keyof typeof BILLS;

/** Where a merchant number is enrolled, which says which API and which bills it has. The first bill of each has the orders. */
export const REGIONS = {
  mainland: { bills: ['trade', 'fund_flow'] },
  overseas: { bills: ['statement'] },
} as const satisfies Record<string, { bills: readonly BillKind[] }>;

/** A region. */
export type Region = keyof typeof REGIONS;

/** Every region. */
export const REGION_NAMES = Object.keys(REGIONS) as Region[];

/** The bills of a region. A day that began to be reconciled before there were others has none: it is the mainland's. */
export function billsOf(region: Region = 'mainland'): readonly BillKind[] {
  return REGIONS[region].bills;
}
