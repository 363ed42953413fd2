-- Up Migration

-- People who act on payments and refunds, each with a key of her own. A name means one person for ever: who is added again gets a new
-- key, and stays the same operator.
create table operators (
  id          text primary key,
  tenant_id   text not null references tenants (id),
  name        text not null,
  -- SHA-256 of the key; keys are 256 random bits.
  key_hash    bytea not null unique,
  created_at  timestamptz not null default now(),
  revoked_at  timestamptz,
  unique (tenant_id, name)
);

-- What takes two people: asked for by one, approved by another, carried out once.
create table approvals (
  id            text primary key,
  tenant_id     text not null references tenants (id),
  action        text not null,
  -- The payment or refund it is about, and what exactly is to be done.
  subject_id    text not null,
  payload       jsonb not null,
  reason        text not null check (reason <> ''),
  requested_by  text not null references operators (id),
  requested_at  timestamptz not null default now(),
  expires_at    timestamptz not null,
  approved_by   text references operators (id),
  approved_at   timestamptz,
  used_at       timestamptz,
  check (approved_by <> requested_by),
  check ((approved_by is null) = (approved_at is null)),
  check (used_at is null or approved_at is not null)
);
create index approvals_open on approvals (tenant_id, expires_at) where used_at is null;

create function approval_is_final() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE'
     and (new.id, new.tenant_id, new.action, new.subject_id, new.payload, new.reason, new.requested_by, new.requested_at, new.expires_at)
       = (old.id, old.tenant_id, old.action, old.subject_id, old.payload, old.reason, old.requested_by, old.requested_at, old.expires_at)
     and (old.approved_by is null or (new.approved_by, new.approved_at) = (old.approved_by, old.approved_at))
     and (old.used_at is null or new.used_at = old.used_at) then
    return new;
  end if;
  raise exception 'what was asked for and approved stays as it is: % of % is refused', tg_op, tg_table_name
    using errcode = 'restrict_violation', hint = 'Ask for another approval.';
end $$;
create trigger approval_is_final before update or delete on approvals for each row execute function approval_is_final();
create trigger approval_is_final_at_truncate before truncate on approvals for each statement execute function approval_is_final();

-- What operators did: who, why, when, on what evidence, and what became of it. Nothing here is ever changed or deleted.
create table operator_actions (
  id               text primary key,
  tenant_id        text not null references tenants (id),
  payment_id       text references payments (id),
  refund_id        text references refunds (id),
  -- These have no table yet when this one is made.
  combined_id      text,
  late_payment_id  text,
  action           text not null check (action ~ '^[a-z_]+$'),
  -- As the request names her; with an approval both are known by their keys.
  actor            text not null check (actor <> ''),
  reason           text not null check (reason <> ''),
  approval_id      text references approvals (id),
  approved_by      text,
  -- What the gateway said.
  evidence         jsonb,
  result           text not null,
  -- The workflow's update that asked for it: a repeat after a crash is the same action.
  update_key       text unique,
  at               timestamptz not null default now(),
  check (num_nonnulls(payment_id, refund_id, combined_id, late_payment_id) > 0),
  check ((approval_id is null) = (approved_by is null)),
  check (approved_by <> actor)
);
create index operator_actions_payment on operator_actions (payment_id, at);
create index operator_actions_tenant on operator_actions (tenant_id, at);

create function operator_action_is_final() returns trigger language plpgsql as $$
begin
  raise exception 'what operators did stays on record: % of % is refused', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end $$;
create trigger operator_action_is_final before update or delete on operator_actions
  for each row execute function operator_action_is_final();
create trigger operator_action_is_final_at_truncate before truncate on operator_actions
  for each statement execute function operator_action_is_final();

-- No status changes but as the life cycles say. Made from domain/payment.ts and domain/refund.ts by `npm run life-cycle -- --sql`; where one of
-- these tables changes, a migration replaces its function.
create function payment_transition_is_legal() returns trigger language plpgsql as $$
begin
  -- domain/payment.ts
  if (old.status, new.status) not in (
    ('CREATED', 'PENDING'),
    ('CREATED', 'PAID'),
    ('CREATED', 'CLOSED'),
    ('CREATED', 'FAILED'),
    ('PENDING', 'PAID'),
    ('PENDING', 'CLOSED'),
    ('PAID', 'PARTIALLY_REFUNDED'),
    ('PAID', 'REFUNDED'),
    ('PARTIALLY_REFUNDED', 'REFUNDED'),
    ('CLOSED', 'PAID'),
    ('FAILED', 'PAID')
  ) then
    raise exception 'a payment that is % never becomes %', old.status, new.status
      using errcode = 'check_violation', hint = 'docs/life-cycle.md has the legal transitions.';
  end if;
  return new;
end $$;

create function refund_transition_is_legal() returns trigger language plpgsql as $$
begin
  -- domain/refund.ts
  if (old.status, new.status) not in (
    ('CREATED', 'RESERVED'),
    ('CREATED', 'FAILED'),
    ('RESERVED', 'PROCESSING'),
    ('RESERVED', 'SUCCEEDED'),
    ('RESERVED', 'FAILED'),
    ('RESERVED', 'ABNORMAL'),
    ('PROCESSING', 'SUCCEEDED'),
    ('PROCESSING', 'FAILED'),
    ('PROCESSING', 'ABNORMAL'),
    ('ABNORMAL', 'PROCESSING'),
    ('ABNORMAL', 'SUCCEEDED'),
    ('ABNORMAL', 'FAILED'),
    ('FAILED', 'CREATED')
  ) then
    raise exception 'a refund that is % never becomes %', old.status, new.status
      using errcode = 'check_violation', hint = 'docs/life-cycle.md has the legal transitions.';
  end if;
  return new;
end $$;

create trigger payment_transition_is_legal before update of status on payments
  for each row when (old.status is distinct from new.status) execute function payment_transition_is_legal();
create trigger refund_transition_is_legal before update of status on refunds
  for each row when (old.status is distinct from new.status) execute function refund_transition_is_legal();

-- What a notification said is forgotten after some time, that it came is not.
alter table notifications add column cleared_at timestamptz;
create index notifications_uncleared on notifications (received_at) where cleared_at is null;

-- Down Migration

alter table notifications drop column cleared_at;

drop trigger payment_transition_is_legal on payments;
drop trigger refund_transition_is_legal on refunds;
drop function payment_transition_is_legal(), refund_transition_is_legal();

drop table operator_actions, approvals, operators;
drop function operator_action_is_final(), approval_is_final();
