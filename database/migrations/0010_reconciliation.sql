-- Up Migration

-- Files of WeChat Pay's bills, kept as they came: what is read out of them can always be read again.
create table bill_files (
  id              bigint generated always as identity primary key,
  tenant_id       text not null references tenants (id),
  merchant_id     text not null references merchants (id),
  -- Of a service provider's sub-merchant; null for a merchant.
  sub_mchid       text,
  kind            text not null check (kind in ('trade', 'fund_flow')),
  bill_date       date not null, -- in Asia/Shanghai
  -- received: the bytes are here. loaded: read and sound. failed: not to be believed. superseded: WeChat Pay has issued another one since.
  status          text not null default 'received' check (status in ('received', 'loaded', 'failed', 'superseded')),
  -- The answers that named the parts of the file, with their SHA-1 and what decrypts them. Empty for a day without a statement.
  addresses       json not null,
  -- Of the decompressed bytes: the identity of the file.
  sha256          bytea,
  version         integer,
  packed_bytes    bigint not null default 0,
  row_count       integer,
  -- The bill's own last line, in fen (fees in thousandths of a fen).
  summary         jsonb,
  failure_code    text,
  failure_line    integer,
  failure_detail  text,
  -- What is odd but does not keep the file from being believed: [{"code", "line", "detail", "count"}].
  findings        jsonb not null default '[]',
  received_at     timestamptz not null default now(),
  loaded_at       timestamptz,
  check ((status = 'failed') = (failure_code is not null)),
  check (status not in ('loaded', 'superseded') or num_nulls(sha256, version, row_count) = 0)
);
create unique index bill_files_identity on bill_files (merchant_id, bill_date, kind, coalesce(sub_mchid, ''), sha256)
  where status in ('loaded', 'superseded');
create index bill_files_day on bill_files (merchant_id, bill_date);

-- The bytes as they arrived: compressed, and encrypted where WeChat Pay encrypts.
create table bill_file_bytes (
  file     bigint not null references bill_files (id) on delete cascade,
  part     integer not null,
  ordinal  integer not null,
  bytes    bytea not null,
  primary key (file, part, ordinal)
);
alter table bill_file_bytes alter column bytes set storage external;

-- Rows of files while they are matched: a table for each file, made again from its bytes whenever it is needed.
create schema bill_staging;

-- One day of one account, with one version of each bill.
create table reconciliation_runs (
  sequence     bigint generated always as identity primary key,
  id           text not null unique,
  tenant_id    text not null references tenants (id),
  merchant_id  text not null references merchants (id),
  sub_mchid    text,
  bill_date    date not null,
  version      integer not null,
  trade_file   bigint references bill_files (id),
  flow_file    bigint references bill_files (id),
  status       text not null check (status in ('running', 'done', 'failed', 'superseded')),
  -- Why a bill was not to be believed: {"file", "code", "line", "detail"}.
  failure      jsonb,
  summary      jsonb,
  -- Grows when a later run of the same files found something else than before.
  revision     integer not null default 0,
  started_at   timestamptz not null default now(),
  finished_at  timestamptz,
  check ((status = 'failed') = (failure is not null))
);
create unique index reconciliation_runs_day on reconciliation_runs (merchant_id, bill_date, coalesce(sub_mchid, ''), version);
create index reconciliation_runs_list on reconciliation_runs (tenant_id, started_at desc, id desc);

-- What a run has found about each payment, refund and movement. Amounts in fen, fees of trade bills in thousandths of a fen.
-- Without foreign keys: a million lines come from joins with the tables that they would refer to.
create table reconciliation_lines (
  run             bigint not null,
  -- The line in the trade bill; 10^12 and more for what is in the fund flow only, 2 * 10^12 and more for what is in our ledger only.
  ordinal         bigint not null,
  kind            text not null,
  state           text not null,
  reason          text not null,
  -- Which key found our row, and which the fund flow's.
  rule            text,
  flow_rule       text,
  subject         text not null,
  payment_id      text,
  refund_id       text,
  transaction_id  text,
  out_trade_no    text,
  wechat_refund_id text,
  out_refund_no   text,
  occurred_at     timestamptz,
  currency        text,
  amount_here     bigint,
  amount_bill     bigint,
  settlement      bigint,
  fee_milli_fen   bigint,
  amount_flow     bigint,
  fee_flow        bigint,
  trade_line      integer,
  flow_line       integer,
  flow_rows       integer not null,
  -- What the day has done to the account at WeChat Pay, to our receivable by payments and refunds, and by what this run posts.
  bank            bigint not null,
  book            bigint not null,
  posted_fee      bigint not null,
  posted_coupon   bigint not null,
  primary key (run, ordinal)
);
create index reconciliation_lines_open on reconciliation_lines (subject) where state <> 'matched';
create index reconciliation_lines_state on reconciliation_lines (run, state, ordinal) where state <> 'matched';

-- What did not agree, from the day it was found until the other side came or a person has decided.
create table reconciliation_items (
  id              text primary key,
  tenant_id       text not null references tenants (id),
  merchant_id     text not null references merchants (id),
  sub_mchid       text,
  subject         text not null,
  status          text not null check (status in ('carried', 'break', 'closed', 'resolved')),
  -- The day in whose run it was found, and the last one that has said something of it. What is below is what that one says.
  bill_date       date not null,
  last_date       date not null,
  run             bigint not null references reconciliation_runs (sequence),
  ordinal         bigint not null,
  kind            text not null,
  state           text not null,
  reason          text not null,
  payment_id      text references payments (id),
  refund_id       text references refunds (id),
  transaction_id  text,
  out_trade_no    text,
  wechat_refund_id text,
  out_refund_no   text,
  currency        text not null,
  -- What WeChat Pay has more than our receivable, in fen; what resolutions have posted is in it already.
  difference      bigint not null,
  -- The day in whose run the other side came.
  closed_on       date,
  owner           text,
  resolution      text,
  version         integer not null default 1,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  unique (merchant_id, subject)
);
create index reconciliation_items_list on reconciliation_items (tenant_id, created_at desc, id desc);
create index reconciliation_items_open on reconciliation_items (merchant_id, bill_date) where status in ('carried', 'break');

-- The history of an item: never changed, never deleted.
create table reconciliation_item_events (
  sequence    bigint generated always as identity primary key,
  item        text not null references reconciliation_items (id),
  type        text not null check (type in
                ('found', 'changed', 'aged', 'closed', 'reopened', 'assigned', 'commented', 'resolved')),
  -- The person, or null for the run that did it.
  actor       text,
  run         bigint references reconciliation_runs (sequence),
  state       text not null,
  reason      text,
  text        text,
  -- The ledger transaction of a resolution.
  ledger_transaction bigint references ledger_transactions (sequence),
  created_at  timestamptz not null default now()
);
create index reconciliation_item_events_item on reconciliation_item_events (item, sequence);

-- Whether the nights of a merchant are on, as the worker saw it last.
create table reconciliation_schedules (
  merchant_id  text primary key references merchants (id),
  tenant_id    text not null references tenants (id),
  -- Paused by a night that failed, or by a person: nothing is reconciled until somebody unpauses it.
  paused       boolean not null,
  note         text,
  next_at      timestamptz,
  checked_at   timestamptz not null
);

-- The accounts of a service provider, and ours of a refund of WeChat Pay's.
create index payments_sub_mchid on payments (merchant_id, sub_mchid) where sub_mchid is not null;
create index refund_attempts_wechat on refund_attempts (merchant_id, wechat_refund_id) where wechat_refund_id is not null;

-- Down Migration

drop index refund_attempts_wechat, payments_sub_mchid;
drop table reconciliation_schedules, reconciliation_item_events, reconciliation_items, reconciliation_lines, reconciliation_runs, bill_file_bytes, bill_files;
drop schema bill_staging cascade;
