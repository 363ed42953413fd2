-- Up Migration

-- Every table carries its tenant from the first migration, so that rows can later be separated by
-- row-level security without a rewrite. Ids are public ids with a prefix (domain/identity.ts).

create table tenants (
  id          text primary key,
  name        text not null unique,
  created_at  timestamptz not null default now()
);

create table merchants (
  id                  text primary key,
  tenant_id           text not null references tenants (id),
  -- The workflow id contains the mchid, so it is unique in the whole installation.
  mchid               text not null unique,
  appid               text not null,
  serial_no           text not null,
  sealed_private_key  bytea not null,
  sealed_api_v3_key   bytea not null,
  -- {"PUB_KEY_ID_…": "<PEM>"}; the first is the current one. json, as jsonb would sort the keys.
  public_keys         json not null,
  api_base_url        text not null,
  version             integer not null default 1,
  created_at          timestamptz not null default now(),
  updated_at          timestamptz not null default now()
);
create index merchants_tenant on merchants (tenant_id);

create table api_keys (
  id          text primary key,
  tenant_id   text not null references tenants (id),
  name        text not null,
  -- SHA-256 of the key; keys are 256 random bits, so a slow hash would add nothing.
  key_hash    bytea not null unique,
  created_at  timestamptz not null default now(),
  revoked_at  timestamptz
);

create table payments (
  id                text primary key,
  tenant_id         text not null references tenants (id),
  merchant_id       text not null references merchants (id),
  out_trade_no      text not null,
  product           text not null check (product in ('NATIVE')),
  amount            bigint not null check (amount > 0), -- fen
  currency          text not null check (currency = 'CNY'),
  description       text not null,
  attach            text,
  time_expire       timestamptz not null,
  status            text not null check (status in
                      ('CREATED', 'PENDING', 'PAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'CLOSED', 'FAILED')),
  attention         text not null default 'none' check (attention in ('none', 'needs_operator')),
  attention_reason  text,
  version           integer not null default 1,
  -- The exact bytes sent to the gateway, stored before they are sent: a repeat sends the same. Beside them the appid they name,
  -- as the merchant's may have changed by the time the customer pays.
  prepay_request    text,
  appid             text,
  code_url          text,
  transaction_id    text,
  payer_total       bigint,
  success_time      timestamptz,
  failure_code      text,
  failure_message   text,
  -- When a relay makes sure that the workflow runs; null once there is nothing left to run.
  ensure_at         timestamptz,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),
  unique (merchant_id, out_trade_no),
  unique (merchant_id, transaction_id),
  check (status not in ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') or transaction_id is not null),
  check ((attention = 'none') = (attention_reason is null))
);
create index payments_list on payments (tenant_id, created_at desc, id desc);
create index payments_ensure on payments (ensure_at) where ensure_at is not null;
create index payments_attention on payments (tenant_id, updated_at) where attention <> 'none';

create table refunds (
  id                     text primary key,
  tenant_id              text not null references tenants (id),
  merchant_id            text not null references merchants (id),
  payment_id             text not null references payments (id),
  out_refund_no          text not null,
  amount                 bigint not null check (amount > 0), -- fen
  reason                 text,
  status                 text not null check (status in
                           ('CREATED', 'RESERVED', 'PROCESSING', 'ABNORMAL', 'SUCCEEDED', 'FAILED')),
  attention              text not null default 'none' check (attention in ('none', 'needs_operator')),
  attention_reason       text,
  version                integer not null default 1,
  refund_request         text,
  refund_id              text,
  user_received_account  text,
  success_time           timestamptz,
  failure_code           text,
  failure_message        text,
  ensure_at              timestamptz,
  created_at             timestamptz not null default now(),
  updated_at             timestamptz not null default now(),
  unique (merchant_id, out_refund_no),
  check (status <> 'SUCCEEDED' or refund_id is not null),
  check ((attention = 'none') = (attention_reason is null))
);
create index refunds_payment on refunds (payment_id);
create index refunds_ensure on refunds (ensure_at) where ensure_at is not null;
create index refunds_attention on refunds (tenant_id, updated_at) where attention <> 'none';

-- What WeChat Pay posted, kept before anything looks at it.
create table notifications (
  id               text primary key,
  tenant_id        text not null references tenants (id),
  merchant_id      text not null references merchants (id),
  received_at      timestamptz not null default now(),
  -- Raw header lines in order: ["name", "value", …].
  headers          jsonb not null,
  body             bytea not null,
  -- Null until somebody looked; such a one was never acknowledged, so WeChat Pay sends it again.
  verdict          text check (verdict in
                     ('accepted', 'duplicate', 'unmatched', 'ignored', 'forged', 'stale', 'undecryptable')),
  verdict_detail   text,
  notification_id  text,
  event_type       text,
  -- The decrypted resource; only of genuine notifications.
  -- json, as jsonb refuses \u0000 in a text.
  resource         json,
  -- The payment or refund it is about, and the workflow to signal; only of accepted ones.
  subject_id       text,
  workflow_id      text,
  -- Accepted ones are forwarded to their workflow as a signal by a relay.
  deliver_at       timestamptz,
  delivered_at     timestamptz,
  delivery_result  text,
  attempts         integer not null default 0
);
create unique index notifications_once on notifications (merchant_id, notification_id)
  where verdict in ('accepted', 'unmatched', 'ignored');
create index notifications_deliver on notifications (deliver_at) where deliver_at is not null;
create index notifications_received on notifications (tenant_id, received_at desc);

-- Outbox: written in the transaction of the change it tells of.
create table events (
  sequence    bigint generated always as identity primary key,
  id          text not null unique,
  tenant_id   text not null references tenants (id),
  type        text not null,
  payment_id  text not null references payments (id),
  refund_id   text references refunds (id),
  -- Version of the payment or refund after the change; receivers drop older news.
  version     integer not null,
  data        jsonb not null,
  created_at  timestamptz not null default now()
);
create index events_payment on events (payment_id, sequence);

create table idempotency_keys (
  tenant_id    text not null references tenants (id),
  method       text not null,
  path         text not null,
  key          text not null,
  -- SHA-256 of the canonical request body.
  fingerprint  bytea not null,
  resource_id  text not null,
  created_at   timestamptz not null default now(),
  primary key (tenant_id, method, path, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- Down Migration

drop table idempotency_keys, events, notifications, refunds, payments, api_keys, merchants, tenants;
