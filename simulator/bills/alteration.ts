import { z } from 'zod';
import type { Entry } from './entry.ts';

/** What the control API takes to make a bill wrong, or another one. */
export const alterationRequest = z.strictObject({
  date: z.string().regex(/^\d{4}-\d\d-\d\d$/),
  /** Whose bill; everybody's unless told. */
  mchid: z.string().optional(),
  kind: z.enum(['missing_row', 'extra_row', 'altered_row', 'restated', 'bad_hash', 'truncated_gzip']),
  /** Which bills of that day; trade bills unless told, and all of them when it is restated. */
  bill: z.enum(['trade', 'fund_flow', 'all']).optional(),
  /** The row: of a payment by its out_trade_no, of a refund by its out_refund_no. The first payment unless told. */
  out_trade_no: z.string().optional(),
  out_refund_no: z.string().optional(),
});

export type AlterationRequest = z.input<typeof alterationRequest>;

/** An arranged fault of bills. */
export type Alteration = z.output<typeof alterationRequest> & {
  id: string;
  bill: 'trade' | 'fund_flow' | 'all';
  /** Milliseconds. */
  createdAt: number;
  /** Numbers of an invented row. */
  digits: string;
};

const ALTERED_FEN = 100;

/**
 * The entries as WeChat Pay gets them wrong. Sums and hash are made from what comes out, so that nothing in the bill itself shows it.
 */
export function altered(entries: Iterable<Entry>, alterations: readonly Alteration[]): Iterable<Entry> {
  return alterations.reduce<Iterable<Entry>>(
    (before, alteration) => ALTERED[alteration.kind](before, alteration),
    entries,
  );
}

type Change = (entries: Iterable<Entry>, alteration: Alteration) => Iterable<Entry>;

const ALTERED: Record<Alteration['kind'], Change> = {
  missing_row: (entries, alteration) => onceReplaced(entries, chosenBy(alteration), () => []),
  extra_row: (entries, { digits }) =>
    onceReplaced(
      entries,
      ({ kind }) => kind === 'payment',
      (entry) => [
        entry,
        {
          ...entry,
          transactionId: entry.transactionId.slice(0, -12) + digits,
          outTradeNo: `X${digits}`,
          description: 'unknown to the merchant',
        },
      ],
    ),
  altered_row: (entries, alteration) =>
    onceReplaced(entries, chosenBy(alteration), (entry) => [
      entry.refund
        ? { ...entry, refund: more(entry.refund, 'amount', 'settlement', 'payer') }
        : more(entry, 'total', 'settlement', 'payerTotal'),
    ]),
  // A correction of the kind that bills are restated for; without any, both versions could be the same.
  restated: (entries, alteration) =>
    onceReplaced(entries, chosenBy(alteration), (entry) => [
      { ...entry, fee: entry.fee + 1, feeRemark: '费率调整' },
    ]),
  bad_hash: (entries) => entries,
  truncated_gzip: (entries) => entries,
};

function more<T extends Record<Field, number>, Field extends string>(amounts: T, ...fields: Field[]): T {
  return { ...amounts, ...Object.fromEntries(fields.map((field) => [field, amounts[field] + ALTERED_FEN])) };
}

function chosenBy({ out_trade_no, out_refund_no }: Alteration): (entry: Entry) => boolean {
  if (out_refund_no) return ({ refund }) => refund?.outRefundNo === out_refund_no;
  if (out_trade_no) return ({ kind, outTradeNo }) => kind === 'payment' && outTradeNo === out_trade_no;
  return ({ kind }) => kind === 'payment';
}

function* onceReplaced(
  entries: Iterable<Entry>,
  chosen: (entry: Entry) => boolean,
  replaced: (entry: Entry) => Entry[],
): Generator<Entry> {
  let done = false;
  for (const entry of entries) {
    if (done || !chosen(entry)) {
      yield entry;
      continue;
    }
    done = true;
    yield* replaced(entry);
  }
}
