-- Up Migration

-- Money that has been where it must not stay for too long, as the worker saw it last: late money that nobody has decided on, and what is in suspense.
create table ledger_alarms (
  merchant_id  text not null references merchants (id),
  account      text not null check (account in ('late_money', 'suspense')),
  currency     text not null,
  tenant_id    text not null references tenants (id),
  -- What is too old: how much, of how many payments or postings, and since when the oldest of it is there.
  amount       bigint not null,
  pieces       integer not null check (pieces > 0),
  since        timestamptz not null,
  raised_at    timestamptz not null default now(),
  primary key (merchant_id, account, currency)
);
create index ledger_alarms_tenant on ledger_alarms (tenant_id);
create index late_payments_received on late_payments (created_at) where status = 'RECEIVED';

-- Down Migration

drop index late_payments_received;
drop table ledger_alarms;
