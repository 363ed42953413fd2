-- Up Migration

-- Refunds that found no token wait in the order in which they first asked, and say when they ask again: who has died does not hold others up.
create sequence refund_queue_numbers;
alter table refund_attempts
  add column queue_number bigint,
  add column asks_again_at timestamptz,
  add constraint refund_attempts_queue check ((queue_number is null) = (asks_again_at is null));
create index refund_attempts_queue on refund_attempts (merchant_id, queue_number) where queue_number is not null;

-- Down Migration

drop index refund_attempts_queue;
alter table refund_attempts drop column queue_number, drop column asks_again_at;
drop sequence refund_queue_numbers;
