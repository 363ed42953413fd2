-- Up Migration

-- Several orders that the customer pays at once or not at all. Its sub-orders are rows of payments; this is the one order that WeChat Pay knows,
-- whose workflow moves them all. What they have in common (product, payer, scene, window) each of them says for itself.
create table combined_payments (
  id                    text primary key,
  tenant_id             text not null references tenants (id),
  -- Who combines: signs, is notified, and whose appid is named. A sub-order's merchant may be another one.
  merchant_id           text not null references merchants (id),
  combine_out_trade_no  text not null,
  product               text not null check (product in ('NATIVE', 'JSAPI', 'MINI_PROGRAM', 'APP', 'H5')),
  time_expire           timestamptz not null,
  h5_redirect_url       text check (product = 'H5' or h5_redirect_url is null),
  status                text not null check (status in ('CREATED', 'PENDING', 'PAID', 'CLOSED', 'FAILED')),
  attention             text not null default 'none' check (attention in ('none', 'needs_operator')),
  attention_reason      text,
  version               integer not null default 1,
  -- As of a payment: the exact bytes, stored before they are sent, and the appid they name.
  prepay_request        text,
  appid                 text,
  code_url              text,
  prepay_id             text,
  h5_url                text,
  prepay_issued_at      timestamptz,
  failure_code          text,
  failure_message       text,
  ensure_at             timestamptz,
  created_at            timestamptz not null default now(),
  updated_at            timestamptz not null default now(),
  unique (merchant_id, combine_out_trade_no),
  check ((attention = 'none') = (attention_reason is null)),
  check (num_nonnulls(code_url, prepay_id, h5_url) = (case when prepay_issued_at is null then 0 else 1 end))
);
create index combined_payments_list on combined_payments (tenant_id, created_at desc, id desc);
create index combined_payments_ensure on combined_payments (ensure_at) where ensure_at is not null;
create index combined_payments_attention on combined_payments (tenant_id, updated_at) where attention <> 'none';

-- A sub-order has no order at WeChat Pay, and so no workflow, of its own.
alter table payments
  add column combined_id text references combined_payments (id),
  -- Its place in the combined order, from 0.
  add column combined_position smallint,
  add constraint payments_combined_check check ((combined_id is null) = (combined_position is null)),
  add constraint payments_combined_order_check check
    (combined_id is null or (prepay_request is null and prepay_issued_at is null and ensure_at is null));
create unique index payments_combined on payments (combined_id, combined_position) where combined_id is not null;

-- An event is about a payment (or its refund), or about a combined payment.
alter table events
  alter column payment_id drop not null,
  add column combined_id text references combined_payments (id),
  add constraint events_subject_check check (num_nonnulls(payment_id, combined_id) = 1);
create index events_combined on events (combined_id, sequence) where combined_id is not null;

-- It has the statuses of a payment, and changes them as payments do.
create trigger payment_transition_is_legal before update of status on combined_payments
  for each row when (old.status is distinct from new.status) execute function payment_transition_is_legal();

-- Down Migration

delete from events where combined_id is not null;
alter table events
  drop constraint events_subject_check, drop column combined_id, alter column payment_id set not null;
alter table payments
  drop constraint payments_combined_check, drop constraint payments_combined_order_check,
  drop column combined_id, drop column combined_position;
drop table combined_payments;
