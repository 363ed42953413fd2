-- Up Migration

-- The ledger checks what a statement has written at once, not row by row: a night posts a million fees. What it guarantees is the same; see docs/ledger.md.

-- Transactions that a statement has left open: without entries, not balanced, or reversals. Each is proved at commit; no row ever outlives its commit.
create unlogged table ledger_unproved (transaction bigint primary key);

create function ledger_must_mirror(number bigint) returns void language plpgsql as $$
declare
  original bigint;
begin
  select reverses into original from ledger_transactions where sequence = number;
  if original is not null and exists (
    select account, side, amount, count(*)
      from (select account, side, amount, 1 as part from ledger_entries where transaction = number
            union all
            select account, case side when 'debit' then 'credit' else 'debit' end, amount, 2
              from ledger_entries where transaction = original) both_of_them
     group by account, side, amount
    having count(*) filter (where part = 1) <> count(*) filter (where part = 2)) then
    raise exception 'ledger transaction % does not mirror %, which it reverses', number, original
      using errcode = 'check_violation';
  end if;
end $$;

create function ledger_prove() returns trigger language plpgsql as $$
begin
  perform ledger_must_balance(new.transaction);
  perform ledger_must_mirror(new.transaction);
  delete from ledger_unproved where transaction = new.transaction;
  return null;
end $$;

create constraint trigger ledger_prove after insert on ledger_unproved
  deferrable initially deferred for each row execute function ledger_prove();

-- What follows looks up what was written just now, by its key, however large the ledger is: a plan that was made for many rows serves one as well.

-- A transaction without entries is open. One with entries is in the hands of the trigger below.
create function ledger_transactions_written() returns trigger language plpgsql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_nestloop = on as $$
begin
  insert into ledger_unproved
  select w.sequence from written w where not exists (select 1 from ledger_entries e where e.transaction = w.sequence)
      on conflict do nothing;
  return null;
end $$;

-- Entries belong to a transaction of the same database transaction, of the same tenant, and to an account that is there. As neither transactions nor
-- accounts are ever deleted or changed, to look once is enough.
create function ledger_entries_written() returns trigger language plpgsql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_nestloop = on as $$
declare
  wrong record;
begin
  select w.transaction, w.account, t.sequence, t.written_by <> pg_current_xact_id() as is_late, a.id is null as is_homeless
    into wrong
    from written w
    left join ledger_transactions t on t.sequence = w.transaction
    left join ledger_accounts a on a.id = w.account
   where t.sequence is null or t.written_by <> pg_current_xact_id() or t.tenant_id <> w.tenant_id or a.id is null
   limit 1;
  if found then
    if wrong.is_late then
      raise exception 'ledger transaction % was written before: nothing can be added', wrong.transaction
        using errcode = 'restrict_violation', hint = 'Post another transaction.';
    end if;
    raise exception 'an entry of ledger transaction % is of no such %', wrong.transaction,
      case when wrong.sequence is null then 'transaction' when wrong.is_homeless then 'account: ' || wrong.account else 'tenant' end
      using errcode = 'foreign_key_violation';
  end if;
  insert into ledger_unproved
  select e.transaction
    from (select distinct transaction from written) w
    join ledger_transactions t on t.sequence = w.transaction
    join ledger_entries e on e.transaction = w.transaction
    join ledger_accounts a on a.id = e.account
   group by e.transaction
  having sum(case e.side when 'debit' then e.amount else -e.amount end) <> 0 or min(a.currency) <> max(a.currency)
      or count(t.reverses) > 0
      on conflict do nothing;
  return null;
end $$;

create or replace function ledger_await_seal() returns trigger language plpgsql as $$
begin
  insert into ledger_unsealed select sequence, tenant_id from written;
  return null;
end $$;

drop trigger ledger_transaction_balances on ledger_transactions;
drop function ledger_transaction_balances();
drop trigger ledger_entry_belongs on ledger_entries;
drop function ledger_entry_belongs();
drop trigger ledger_await_seal on ledger_transactions;

create trigger ledger_transactions_written after insert on ledger_transactions
  referencing new table as written for each statement execute function ledger_transactions_written();
create trigger ledger_entries_written after insert on ledger_entries
  referencing new table as written for each statement execute function ledger_entries_written();
create trigger ledger_await_seal after insert on ledger_transactions
  referencing new table as written for each statement execute function ledger_await_seal();

-- What the triggers look up for all rows at once need not be looked up for each of them again.
alter table ledger_entries
  drop constraint ledger_entries_transaction_fkey,
  drop constraint ledger_entries_account_fkey,
  drop constraint ledger_entries_tenant_id_fkey;
alter table ledger_unsealed
  drop constraint ledger_unsealed_transaction_fkey,
  drop constraint ledger_unsealed_tenant_id_fkey;
create trigger ledger_is_never_emptied before truncate on ledger_accounts
  for each statement execute function ledger_is_final();

-- Down Migration

drop trigger ledger_is_never_emptied on ledger_accounts;
alter table ledger_unsealed
  add foreign key (transaction) references ledger_transactions (sequence),
  add foreign key (tenant_id) references tenants (id);
alter table ledger_entries
  add foreign key (transaction) references ledger_transactions (sequence),
  add foreign key (account) references ledger_accounts (id),
  add foreign key (tenant_id) references tenants (id);
drop trigger ledger_await_seal on ledger_transactions;
drop trigger ledger_entries_written on ledger_entries;
drop trigger ledger_transactions_written on ledger_transactions;
drop function ledger_entries_written(), ledger_transactions_written();
drop table ledger_unproved;
drop function ledger_prove(), ledger_must_mirror(bigint);

create or replace function ledger_await_seal() returns trigger language plpgsql as $$
begin
  insert into ledger_unsealed values (new.sequence, new.tenant_id);
  return null;
end $$;
create function ledger_entry_belongs() returns trigger language plpgsql as $$
begin
  if exists (select 1 from ledger_transactions
              where sequence = new.transaction and written_by <> pg_current_xact_id()) then
    raise exception 'ledger transaction % was written before: nothing can be added', new.transaction
      using errcode = 'restrict_violation', hint = 'Post another transaction.';
  end if;
  return new;
end $$;
create function ledger_transaction_balances() returns trigger language plpgsql as $$
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
create constraint trigger ledger_transaction_balances after insert on ledger_transactions
  deferrable initially deferred for each row execute function ledger_transaction_balances();
create trigger ledger_entry_belongs before insert on ledger_entries
  for each row execute function ledger_entry_belongs();
create trigger ledger_await_seal after insert on ledger_transactions
  for each row execute function ledger_await_seal();
