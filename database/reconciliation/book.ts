import { billDay } from '../../domain/bill-day.ts';
import { GATEWAY_ACCOUNT, type LedgerStep, POSTINGS } from '../../domain/ledger.ts';
import { DECISION_CAUSE, FOUND_STEPS, MOVEMENT_CAUSE } from '../../domain/reconciliation.ts';
import type { AccountDay } from './account.ts';
import { literal, literals } from './literal.ts';
import type { LongWork } from './long-work.ts';
import { workTable } from './staging.ts';

/** Steps that touch our receivable once for their payment or refund: their cause is the subject itself. */
const PLAIN_STEPS = ['payment.paid', 'refund.succeeded'] as const satisfies LedgerStep[];

/** Steps that do not touch our receivable. */
const OTHER_STEPS = (Object.keys(POSTINGS) as LedgerStep[]).filter(
  (step) => POSTINGS[step].debit !== GATEWAY_ACCOUNT && POSTINGS[step].credit !== GATEWAY_ACCOUNT,
);

/**
 * Leaves out what people have decided about breaks, movements that this reconciliation has posted, and reversals of that or of anything else that it has
 * posted. `t` is a transaction.
 */
export const NOT_OURS = `t.cause_id not like '${DECISION_CAUSE}%' and t.cause_id not like '${MOVEMENT_CAUSE}%'
  and (t.reverses is null or not exists (select 1 from ledger_transactions o
        where o.sequence = t.reverses
          and (o.step in (${literals(FOUND_STEPS)}) or o.cause_id like '${DECISION_CAUSE}%' or o.cause_id like '${MOVEMENT_CAUSE}%')))`;

/** The same, but for what this reconciliation has posted itself: the whole of the day, in two parts, of which the second is small. */
export const NOT_DECIDED = [
  `t.reverses is null and t.cause_id not like '${DECISION_CAUSE}%'`,
  `t.reverses is not null and not exists (select 1 from ledger_transactions o
     where o.sequence = t.reverses and o.cause_id like '${DECISION_CAUSE}%')`,
] as const;

/** Where the postings of a day are found, and the numbers by which they are known outside: texts of SQL. */
export interface Book {
  postings: string;
  numbers: string;
}

const NUMBERS = 'payment_id, refund_id, transaction_id, out_trade_no, wechat_refund_id, out_refund_no';

/**
 * What the ledger says of the day: every posting to our receivable, by subject, but for what reconciliations and people have posted about it.
 * Subjects of which more is posted than the plain steps are put together in a table of their own.
 * @returns where they are found.
 */
export async function gatherBook(
  db: LongWork,
  run: Pick<AccountDay, 'merchantId' | 'subMchid' | 'billDate'> & { sequence: number },
): Promise<Book> {
  const { from, to } = billDay(run.billDate);
  const day = `t.merchant_id = ${literal(run.merchantId)}
     and t.effective_at >= ${literal(from.toISOString())} and t.effective_at < ${literal(to.toISOString())}
     ${run.subMchid === null ? '' : `and exists (select 1 from payments p where p.id = t.payment_id and p.sub_mchid = ${literal(run.subMchid)})`}`;
  const entries = `join ledger_entries e on e.transaction = t.sequence
     and e.account = any(array[${(await controlAccounts(db, run)).join(', ')}]::bigint[])`;
  const subject = `case when t.step in ('refund.succeeded', 'payment.late') then t.cause_id when t.refund_id is not null then t.refund_id
                        else coalesce(t.payment_id, 'ledger/' || t.sequence) end`;
  const change = `case e.side when 'debit' then e.amount else -e.amount end`;
  const [more, subjects] = [workTable('more_book', run.sequence), workTable('more_subjects', run.sequence)];
  await db.query(
    `create unlogged table ${more} (subject text primary key, kind text, payment_id text, refund_id text, book bigint, late boolean,
       sequence bigint, effective_at timestamptz, transaction_id text, out_trade_no text, wechat_refund_id text, out_refund_no text)`,
  );
  // Few subjects have such a posting, if any: they are found without looking at the entries of all the others.
  await db.query(`create unlogged table ${subjects} (subject text primary key)`);
  const { rowCount } = await db.query(
    `insert into ${subjects} select distinct ${subject} from ledger_transactions t
      where ${day} and t.step not in (${literals([...PLAIN_STEPS, ...FOUND_STEPS, ...OTHER_STEPS])}) and ${NOT_OURS}`,
  );
  if (rowCount) {
    await db.query(
      `insert into ${more}
       select subject, max(kind), max(payment_id), max(refund_id), sum(change), bool_or(late), min(sequence), min(effective_at),
              max(transaction_id), max(out_trade_no), max(wechat_refund_id), max(out_refund_no)
         from (select ${subject} as subject,
                      case when t.refund_id is not null then 'refund' when t.payment_id is not null then 'payment' else 'movement' end as kind,
                      t.payment_id, t.refund_id, t.sequence, t.effective_at, t.transaction_id, t.out_trade_no, t.wechat_refund_id,
                      t.out_refund_no, t.step = 'payment.late' as late, ${change} as change
                 from ledger_transactions t ${entries}
                where ${day} and t.step not in (${literals(FOUND_STEPS)}) and ${NOT_OURS}) postings
        where subject in (select subject from ${subjects})
        group by subject`,
    );
  }
  const isPlain = `${day} and t.step in (${literals(PLAIN_STEPS)})${
    rowCount ? ` and not exists (select 1 from ${more} m where m.subject = t.cause_id)` : ''
  }`;
  const plain = `
    select t.cause_id as subject, case t.step when 'refund.succeeded' then 'refund' else 'payment' end as kind, ${change} as book, false as late,
           t.sequence, t.effective_at
      from ledger_transactions t ${entries} where ${isPlain}`;
  const numbers = `select t.cause_id as subject, ${NUMBERS} from ledger_transactions t where ${isPlain}`;
  if (!rowCount) return { postings: `(${plain})`, numbers: `(${numbers})` };
  return {
    postings: `(${plain} union all select subject, kind, book, late, sequence, effective_at from ${more})`,
    numbers: `(${numbers} union all select subject, ${NUMBERS} from ${more})`,
  };
}

/** Our receivable of each currency. By its number the planner knows how much of the ledger it is. */
export async function controlAccounts(db: LongWork, run: Pick<AccountDay, 'merchantId'>): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>(
    'select id from ledger_accounts where merchant_id = $1 and code = $2',
    [run.merchantId, GATEWAY_ACCOUNT],
  );
  return rows.map(({ id }) => id);
}
