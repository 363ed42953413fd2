-- Up Migration

-- Double-entry bookkeeping. Nothing here is ever changed or deleted: a mistake is corrected by another transaction.
-- The chart of accounts and what is posted when: domain/ledger.ts and docs/ledger.md.

create table ledger_accounts (
  id           bigint generated always as identity primary key,
  tenant_id    text not null references tenants (id),
  merchant_id  text not null references merchants (id),
  code         text not null check (code in
                 ('wechat_receivable', 'settlement_bank', 'sales', 'refunds', 'refunds_in_flight', 'gateway_fees',
                  'late_money', 'suspense')),
  kind         text not null check (kind in ('asset', 'expense', 'liability', 'income')),
  currency     text not null check (currency ~ '^[A-Z]{3}$'),
  created_at   timestamptz not null default now(),
  unique (merchant_id, code, currency)
);

create table ledger_transactions (
  sequence      bigint generated always as identity primary key,
  tenant_id     text not null references tenants (id),
  merchant_id   text not null references merchants (id),
  -- What moved the money: a step of a payment or refund. A repeat finds it posted.
  step          text not null,
  cause_id      text not null,
  payment_id    text references payments (id),
  refund_id     text references refunds (id),
  -- When it happened, by the gateway's clock, and when we knew.
  effective_at  timestamptz not null,
  posted_at     timestamptz not null default now(),
  -- The database transaction that wrote it: no entry can be added by a later one.
  written_by    xid8 not null default pg_current_xact_id(),
  unique (cause_id, step)
);
create index ledger_transactions_payment on ledger_transactions (payment_id);
create index ledger_transactions_merchant on ledger_transactions (merchant_id, sequence);

create table ledger_entries (
  transaction  bigint not null references ledger_transactions (sequence),
  account      bigint not null references ledger_accounts (id),
  tenant_id    text not null references tenants (id),
  side         text not null check (side in ('debit', 'credit')),
  amount       bigint not null check (amount > 0), -- smallest unit of the account's currency
  primary key (transaction, account, side)
);
create index ledger_entries_account on ledger_entries (account, transaction);

create function ledger_is_final() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % of % is refused', tg_op, tg_table_name
    using errcode = 'restrict_violation', hint = 'Post a transaction that reverses the mistake.';
end $$;

create trigger ledger_is_final before update or delete on ledger_transactions
  for each row execute function ledger_is_final();
create trigger ledger_is_final before update or delete on ledger_entries
  for each row execute function ledger_is_final();
create trigger ledger_is_final before update or delete on ledger_accounts
  for each row execute function ledger_is_final();
create trigger ledger_is_never_emptied before truncate on ledger_transactions
  for each statement execute function ledger_is_final();
create trigger ledger_is_never_emptied before truncate on ledger_entries
  for each statement execute function ledger_is_final();

-- Checked at commit: every transaction has entries of one currency, and its debits equal its credits.
create function ledger_must_balance(number bigint) returns void language plpgsql as $$
declare
  debits numeric;
  credits numeric;
  currencies integer;
begin
  select sum(e.amount) filter (where e.side = 'debit'), sum(e.amount) filter (where e.side = 'credit'),
         count(distinct a.currency)
    into debits, credits, currencies
    from ledger_entries e join ledger_accounts a on a.id = e.account
   where e.transaction = number;
  if debits is distinct from credits or debits is null or currencies <> 1 then
    raise exception 'ledger transaction % does not balance: % debit, % credit, % currencies', number, debits, credits, currencies
      using errcode = 'check_violation';
  end if;
end $$;

create function ledger_transaction_balances() returns trigger language plpgsql as $$
begin
  perform ledger_must_balance(new.sequence);
  return null;
end $$;

-- Its entries are written together with a transaction, and never later.
create function ledger_entry_belongs() returns trigger language plpgsql as $$
begin
  if exists (select 1 from ledger_transactions
              where sequence = new.transaction and written_by <> pg_current_xact_id()) then
    raise exception 'ledger transaction % was written before: nothing can be added', new.transaction
      using errcode = 'restrict_violation', hint = 'Post another transaction.';
  end if;
  return new;
end $$;

create constraint trigger ledger_transaction_balances after insert on ledger_transactions
  deferrable initially deferred for each row execute function ledger_transaction_balances();
create trigger ledger_entry_belongs before insert on ledger_entries
  for each row execute function ledger_entry_belongs();

-- Balances are derived, never stored. An asset or expense grows by debits, a liability or income by credits.
create view ledger_balances as
  select a.tenant_id, a.merchant_id, a.code, a.kind, a.currency,
         coalesce(sum(e.amount) filter (where e.side = 'debit'), 0)::bigint as debits,
         coalesce(sum(e.amount) filter (where e.side = 'credit'), 0)::bigint as credits,
         (coalesce(sum(case when (e.side = 'debit') = (a.kind in ('asset', 'expense')) then e.amount else -e.amount end), 0))::bigint
           as balance
    from ledger_accounts a left join ledger_entries e on e.account = a.id
   group by a.id;

-- Merchants from before have their accounts, too.
insert into ledger_accounts (tenant_id, merchant_id, code, kind, currency)
select m.tenant_id, m.id, c.code, c.kind, 'CNY'
  from merchants m
 cross join (values ('wechat_receivable', 'asset'), ('settlement_bank', 'asset'), ('sales', 'income'), ('refunds', 'expense'),
                    ('refunds_in_flight', 'liability'), ('gateway_fees', 'expense'), ('late_money', 'liability'),
                    ('suspense', 'liability')) c (code, kind);

-- Down Migration

drop view ledger_balances;
drop table ledger_entries, ledger_transactions, ledger_accounts;
drop function ledger_entry_belongs(), ledger_transaction_balances(), ledger_must_balance(bigint), ledger_is_final();
