import { type BillFault, EXTRA_MOVEMENTS, type FaultRule } from '../faults/fault.ts';
import { SeededRandom } from '../random.ts';
import type { BillDay } from './calendar.ts';
import type { Entry } from './entry.ts';
import type { Restatement, Row } from './restatements.ts';

const ALTERED_FEN = 100;
const MOVED_FEN = 100_00;
const INVENTED_DIGITS = 12;

/** Whether a fault has something to spoil in an entry. */
export function canSpoil({ kind, out_trade_no, out_refund_no }: FaultRule, entry: Entry): boolean {
  if (kind === 'bad_hash' || kind === 'truncated') return true;
  return chosenBy({ out_trade_no, out_refund_no })(entry);
}

/**
 * The entries as WeChat Pay gets them wrong. Sums and hash are made from what comes out, so that nothing in the bill itself shows it.
 * @param faults those of other kinds than rows do nothing here.
 */
export function altered(entries: Iterable<Entry>, faults: readonly FaultRule[]): Iterable<Entry> {
  return faults.reduce<Iterable<Entry>>(
    (before, fault) => ALTERED[fault.kind as BillFault]?.(before, fault) ?? before,
    entries,
  );
}

/** A correction of the kind that bills are restated for; without any, two versions could be the same. */
export function corrected(entries: Iterable<Entry>, { version, row }: Restatement): Iterable<Entry> {
  return onceReplaced(entries, chosenBy(row), (entry) => [
    { ...entry, fee: entry.fee + version - 1, feeRemark: '费率调整' },
  ]);
}

const ALTERED: Partial<Record<BillFault, (entries: Iterable<Entry>, fault: FaultRule) => Iterable<Entry>>> = {
  missing_row: (entries, fault) => onceReplaced(entries, chosenBy(fault), () => []),
  extra_row: (entries, fault) =>
    onceReplaced(entries, chosenBy(fault), (entry) => [entry, invented(entry, fault)]),
  repeated_row: (entries, fault) => onceReplaced(entries, chosenBy(fault), (entry) => [entry, entry]),
  other_fee: (entries, fault) =>
    onceReplaced(entries, chosenBy(fault), (entry) => [{ ...entry, fee: entry.fee + 1 }]),
  other_currency: (entries, fault) =>
    onceReplaced(entries, chosenBy(fault), (entry) => [
      { ...entry, currency: entry.currency === 'USD' ? 'CNY' : 'USD' },
    ]),
  extra_movement: (entries, fault) =>
    onceReplaced(entries, chosenBy(fault), (entry) => [entry, extraMovement(entry, fault)]),
  altered_row: (entries, fault) =>
    onceReplaced(entries, chosenBy(fault), (entry) => [
      entry.refund
        ? { ...entry, refund: more(entry.refund, 'amount', 'settlement', 'payer') }
        : more(entry, 'total', 'settlement', 'payerTotal'),
    ]),
};

/** A payment like another one, with numbers that depend on the rule alone: whoever asks again sees the same row. */
function invented(entry: Entry, { id, out_trade_no }: FaultRule): Entry {
  const digits = new SeededRandom(`extra row/${id}`).digits(INVENTED_DIGITS);
  return {
    ...entry,
    transactionId: entry.transactionId.slice(0, -INVENTED_DIGITS) + digits,
    ...(out_trade_no === undefined && {
      outTradeNo: `X${digits}`,
      description: 'unknown to the merchant',
    }),
  };
}

/** A movement that is no trade, after a payment whose merchant and time it has. */
function extraMovement(entry: Entry, { id, movement }: FaultRule): Entry {
  const digits = new SeededRandom(`extra movement/${id}`).digits(INVENTED_DIGITS);
  const { type, sign } = EXTRA_MOVEMENTS[movement ?? 'profit_sharing'];
  return {
    ...entry,
    kind: 'movement',
    transactionId: entry.transactionId.slice(0, -INVENTED_DIGITS) + digits,
    outTradeNo: `W${digits}`,
    movement: { type, change: sign * MOVED_FEN },
  };
}

/** A row of another day as the bill of this one has it: at the moment of the day that is nearest to its own. */
export function strayed(entry: Entry, { from, to }: BillDay): Entry {
  return { ...entry, time: Math.min(Math.max(entry.time, from), to - 1000) };
}

/** The row that a fault brings from another day. */
export function isStray({ out_trade_no, out_refund_no }: FaultRule, { from, to }: BillDay) {
  const chosen = chosenBy({ out_trade_no, out_refund_no });
  return (entry: Entry): boolean => chosen(entry) && (entry.time < from || entry.time >= to);
}

function more<T extends Record<Field, number>, Field extends string>(amounts: T, ...fields: Field[]): T {
  return { ...amounts, ...Object.fromEntries(fields.map((field) => [field, amounts[field] + ALTERED_FEN])) };
}

function isPayment({ kind }: Entry): boolean {
  return kind === 'payment';
}

function chosenBy({ out_trade_no, out_refund_no }: Row): (entry: Entry) => boolean {
  if (out_refund_no) return ({ refund }) => refund?.outRefundNo === out_refund_no;
  if (out_trade_no) return (entry) => isPayment(entry) && entry.outTradeNo === out_trade_no;
  return isPayment;
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
