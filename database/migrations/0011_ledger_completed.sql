-- Up Migration

-- What a transaction is called outside: the merchant's numbers and WeChat Pay's, as they were known when it was posted, so that a statement
-- explains itself. Nothing private.
alter table ledger_transactions
  add column out_trade_no      text,
  add column transaction_id    text,
  add column out_refund_no     text,
  add column wechat_refund_id  text,
  -- The number of the line of WeChat Pay's bill that told of it, where a bill did.
  add column bill_reference    text,
  -- One that takes another back: which, why, and who wanted it.
  add column reverses          bigint unique references ledger_transactions (sequence),
  add column reason            text,
  add column actor             text,
  add constraint ledger_transactions_reversal check
    ((reverses is not null) = (step = 'reversal') and num_nonnulls(reverses, reason, actor) in (0, 3));

-- Those of before get their numbers, too, the only time that rows of the ledger are written to.
alter table ledger_transactions disable trigger ledger_is_final;
update ledger_transactions t
   set out_trade_no = p.out_trade_no,
       -- Late money has its own; its cause is payment/transaction_id.
       transaction_id = case when t.step = 'payment.late' then split_part(t.cause_id, '/', 2) else p.transaction_id end,
       out_refund_no = (select a.out_refund_no from refund_attempts a where a.refund_id = t.refund_id and a.number = 1),
       wechat_refund_id = (select a.wechat_refund_id from refund_attempts a where a.refund_id = t.refund_id and a.number = 1)
  from payments p
 where p.id = t.payment_id;
alter table ledger_transactions enable trigger ledger_is_final;

create index ledger_transactions_list on ledger_transactions (tenant_id, sequence);
create index ledger_transactions_posted on ledger_transactions (merchant_id, posted_at);
create index ledger_transactions_effective on ledger_transactions (merchant_id, effective_at);
create index ledger_transactions_refund on ledger_transactions (refund_id) where refund_id is not null;

-- Checked at commit: what takes another transaction back mirrors it.
create or replace function ledger_transaction_balances() returns trigger language plpgsql as $$
begin
  perform ledger_must_balance(new.sequence);
  if new.reverses is not null and exists (
    select account, side, amount, count(*)
      from (select account, side, amount, 1 as part from ledger_entries where transaction = new.sequence
            union all
            select account, case side when 'debit' then 'credit' else 'debit' end, amount, 2
              from ledger_entries where transaction = new.reverses) both_of_them
     group by account, side, amount
    having count(*) filter (where part = 1) <> count(*) filter (where part = 2)) then
    raise exception 'ledger transaction % does not mirror %, which it reverses', new.sequence, new.reverses
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

-- A chain of hashes for each merchant: each seal covers the transaction's content and the seal before (database/ledger-seals.ts), so that a
-- change of what was written shows. Sealed by the worker in the order of commits, a moment later: a chain in the transactions
-- themselves would let only one of them commit at a time.
create table ledger_seals (
  merchant_id    text not null references merchants (id),
  position       bigint not null check (position > 0),
  tenant_id      text not null references tenants (id),
  transaction    bigint not null unique references ledger_transactions (sequence),
  previous_hash  bytea not null check (length(previous_hash) = 32), -- zeros before the first
  hash           bytea not null check (length(hash) = 32),
  sealed_at      timestamptz not null default now(),
  primary key (merchant_id, position)
);

create trigger ledger_is_final before update or delete on ledger_seals
  for each row execute function ledger_is_final();
create trigger ledger_is_never_emptied before truncate on ledger_seals
  for each statement execute function ledger_is_final();

-- Transactions that wait for their seal.
create table ledger_unsealed (
  transaction  bigint primary key references ledger_transactions (sequence),
  tenant_id    text not null references tenants (id)
);
insert into ledger_unsealed select sequence, tenant_id from ledger_transactions;

create function ledger_await_seal() returns trigger language plpgsql as $$
begin
  insert into ledger_unsealed values (new.sequence, new.tenant_id);
  return null;
end $$;
create trigger ledger_await_seal after insert on ledger_transactions
  for each row execute function ledger_await_seal();

-- Down Migration

drop trigger ledger_await_seal on ledger_transactions;
drop function ledger_await_seal();
drop table ledger_unsealed, ledger_seals;
create or replace function ledger_transaction_balances() returns trigger language plpgsql as $$
begin
  perform ledger_must_balance(new.sequence);
  return null;
end $$;
drop index ledger_transactions_list, ledger_transactions_posted, ledger_transactions_effective, ledger_transactions_refund;
alter table ledger_transactions
  drop constraint ledger_transactions_reversal,
  drop column out_trade_no, drop column transaction_id, drop column out_refund_no, drop column wechat_refund_id,
  drop column bill_reference, drop column reverses, drop column reason, drop column actor;
