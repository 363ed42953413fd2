-- Up Migration

-- A refund that WeChat Pay refused or closed may be tried again, with a new number under the same id. What belongs to one number at WeChat
-- Pay is an attempt; the refund's row says which is the present one.
create table refund_attempts (
  tenant_id         text not null references tenants (id),
  merchant_id       text not null references merchants (id),
  refund_id         text not null references refunds (id),
  number            integer not null check (number > 0),
  out_refund_no     text not null,
  -- The exact bytes, stored before they are sent, and when they were sent last.
  request           text,
  sent_at           timestamptz,
  -- WeChat Pay's number, once it has accepted the refund.
  wechat_refund_id  text,
  -- Null until it has ended.
  outcome           text check (outcome in ('SUCCEEDED', 'FAILED')),
  failure_code      text,
  failure_message   text,
  created_at        timestamptz not null default now(),
  ended_at          timestamptz,
  primary key (refund_id, number),
  unique (merchant_id, out_refund_no),
  check (outcome is distinct from 'SUCCEEDED' or wechat_refund_id is not null),
  check ((outcome is null) = (ended_at is null))
);

insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no, request, sent_at, wechat_refund_id, outcome,
                             failure_code, failure_message, created_at, ended_at)
select tenant_id, merchant_id, id, 1, out_refund_no, refund_request, case when refund_request is not null then updated_at end, refund_id,
       case when status in ('SUCCEEDED', 'FAILED') then status end, failure_code, failure_message, created_at,
       case when status in ('SUCCEEDED', 'FAILED') then updated_at end
  from refunds;

alter table refunds
  drop column out_refund_no, drop column refund_request, drop column refund_id, drop column failure_code, drop column failure_message,
  add column attempt integer not null default 1,
  -- SUCCEEDED because the merchant paid the customer back by other means.
  add column settled_offline boolean not null default false,
  add constraint refunds_attempt_fkey foreign key (id, attempt) references refund_attempts (refund_id, number) deferrable initially deferred;

-- Another number only when a refund that failed begins anew, and always then.
create function refund_attempt_is_legal() returns trigger language plpgsql as $$
begin
  if new.attempt <> old.attempt + (old.status = 'FAILED' and new.status = 'CREATED')::int then
    raise exception 'attempt % of a refund that is % cannot follow attempt %', new.attempt, new.status, old.attempt
      using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger refund_attempt_is_legal before update of status, attempt on refunds
  for each row execute function refund_attempt_is_legal();

-- How many refund requests a merchant may send to WeChat Pay, over all workers. Each bucket is one time: when it is full again.
create table refund_rates (
  merchant_id      text primary key references merchants (id),
  tenant_id        text not null references tenants (id),
  requests_full_at timestamptz not null,
  failures_full_at timestamptz not null
);

-- Where an operator has sent the money of an abnormal refund instead.
create table refund_payouts (
  id               text primary key,
  tenant_id        text not null references tenants (id),
  refund_id        text not null,
  attempt          integer not null,
  type             text not null check (type in ('USER_BANK_CARD', 'MERCHANT_BANK_CARD')),
  -- The exact request with the customer's account and name encrypted for WeChat Pay, sealed once more; deleted when it is answered.
  sealed_request   bytea,
  sent_at          timestamptz,
  -- VOID: the refund ended without it.
  outcome          text check (outcome in ('ACCEPTED', 'REFUSED', 'VOID')),
  failure_code     text,
  failure_message  text,
  created_at       timestamptz not null default now(),
  foreign key (refund_id, attempt) references refund_attempts (refund_id, number),
  check ((outcome is null) = (sealed_request is not null))
);
create index refund_payouts_refund on refund_payouts (refund_id);

-- Down Migration

drop table refund_payouts, refund_rates;
drop trigger refund_attempt_is_legal on refunds;
drop function refund_attempt_is_legal();
alter table refunds
  add column out_refund_no text, add column refund_request text, add column refund_id text, add column failure_code text,
  add column failure_message text, drop constraint refunds_attempt_fkey;
update refunds r set out_refund_no = a.out_refund_no, refund_request = a.request, refund_id = a.wechat_refund_id,
       failure_code = a.failure_code, failure_message = a.failure_message
  from refund_attempts a where a.refund_id = r.id and a.number = r.attempt;
drop table refund_attempts;
alter table refunds
  drop column attempt, drop column settled_offline, alter column out_refund_no set not null,
  add constraint refunds_merchant_id_out_refund_no_key unique (merchant_id, out_refund_no),
  add constraint refunds_check check (status <> 'SUCCEEDED' or refund_id is not null);
