-- Up Migration

-- What of the ledger was visible when the lines of the run were found: what was written later is not in them. Null in runs from before it was kept.
alter table reconciliation_runs add column seen pg_snapshot;

-- What was learned so late that its day may have been reconciled already: no bill of a day is there before nine in the morning of the next one.
-- The fees that reconciliations post by the million are none of it.
create index ledger_transactions_belated on ledger_transactions (merchant_id, effective_at)
  where posted_at - effective_at >= interval '9 hours'
    and step not in ('payment.fee', 'refund.fee_returned', 'payment.coupon', 'refund.coupon_returned');

-- Down Migration

drop index ledger_transactions_belated;
alter table reconciliation_runs drop column seen;
