-- Up Migration

-- What becomes of money that comes late, and of a second payment for the same order of the merchant's (domain/late-payment.ts).
alter table merchants
  add column late_payment_policy text not null default 'refund' check (late_payment_policy in ('refund', 'accept')),
  add column duplicate_payment_policy text not null default 'refund' check (duplicate_payment_policy in ('refund', 'keep'));

alter table payments
  -- The merchant's own order, for which there may be several payments: a number that expired, another one that was paid.
  add column order_reference text check (char_length(order_reference) between 1 and 64),
  -- The payment that had paid for the order already.
  add column duplicate_of text references payments (id),
  -- What WeChat Pay says and what the row says, where a person has to compare them. Nothing private.
  add column attention_details jsonb,
  add constraint payments_details_check check (attention <> 'none' or attention_details is null);
create index payments_order_reference on payments (merchant_id, order_reference, created_at desc, id desc)
  where order_reference is not null;

-- Money that WeChat Pay took for a payment that had ended without it, or had been paid by another transaction.
create table late_payments (
  id                text primary key,
  tenant_id         text not null references tenants (id),
  merchant_id       text not null references merchants (id),
  payment_id        text not null references payments (id),
  transaction_id    text not null,
  amount            bigint not null check (amount > 0), -- fen
  currency          text not null check (currency = 'CNY'),
  payer_total       bigint,
  success_time      timestamptz,
  status            text not null check (status in ('RECEIVED', 'REFUNDING', 'ACCEPTED', 'REFUNDED')),
  attention         text not null default 'none' check (attention in ('none', 'needs_operator')),
  attention_reason  text,
  -- What was decided, by whom ('policy' or a person), and why.
  decision          text check (decision in ('accept', 'refund')),
  decided_by        text,
  decision_reason   text,
  version           integer not null default 1,
  -- When a relay makes sure that its workflow runs; null once there is nothing left to run.
  ensure_at         timestamptz,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),
  unique (merchant_id, transaction_id),
  check ((attention = 'none') = (attention_reason is null)),
  check ((decision is null) = (decided_by is null)),
  check (status = 'RECEIVED' or decision is not null)
);
create index late_payments_payment on late_payments (payment_id);
create index late_payments_ensure on late_payments (ensure_at) where ensure_at is not null;
create index late_payments_attention on late_payments (tenant_id, updated_at) where attention <> 'none';

alter table refunds
  -- Why it is there: somebody asked for it, or it gives back money that should not have come.
  add column cause text not null default 'requested' check (cause in ('requested', 'duplicate', 'late_money')),
  -- The money that it gives back, where that is not the payment's own.
  add column late_payment_id text references late_payments (id),
  add constraint refunds_late_check check ((cause = 'late_money') = (late_payment_id is not null));
create index refunds_late_payment on refunds (late_payment_id) where late_payment_id is not null;

alter table events add column late_payment_id text references late_payments (id);

-- An operator looks for what belongs to nobody.
create index notifications_unmatched on notifications (tenant_id, received_at desc, id desc) where verdict = 'unmatched';

-- The life cycle of late money, as in domain/late-payment.ts: whoever writes, no status changes but as it says.
create function late_payment_transition_is_legal() returns trigger language plpgsql as $$
begin
  -- domain/late-payment.ts
  if (old.status, new.status) not in (
    ('RECEIVED', 'REFUNDING'),
    ('RECEIVED', 'ACCEPTED'),
    ('REFUNDING', 'REFUNDED'),
    ('REFUNDING', 'RECEIVED')
  ) then
    raise exception 'a late payment that is % never becomes %', old.status, new.status
      using errcode = 'check_violation', hint = 'docs/life-cycle.md has the legal transitions.';
  end if;
  return new;
end $$;
create trigger late_payment_transition_is_legal before update of status on late_payments
  for each row when (old.status is distinct from new.status) execute function late_payment_transition_is_legal();

-- Late money of before: it was shown to an operator, and nobody has decided here.
insert into late_payments (id, tenant_id, merchant_id, payment_id, transaction_id, amount, currency, success_time, status, attention,
  attention_reason, ensure_at)
select 'late_' || replace(gen_random_uuid()::text, '-', ''), t.tenant_id, t.merchant_id, t.payment_id, split_part(t.cause_id, '/', 2),
       e.amount, 'CNY', t.effective_at, 'RECEIVED', 'needs_operator', 'undecided', now()
  from ledger_transactions t join ledger_entries e on e.transaction = t.sequence and e.side = 'credit'
 where t.step = 'payment.late';

-- Down Migration

alter table events drop column late_payment_id;
alter table refunds drop column late_payment_id, drop column cause;
drop table late_payments;
drop function late_payment_transition_is_legal();
drop index notifications_unmatched;
alter table payments drop column order_reference, drop column duplicate_of, drop column attention_details;
alter table merchants drop column late_payment_policy, drop column duplicate_payment_policy;
