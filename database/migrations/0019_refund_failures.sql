-- Up Migration

-- Once a refund request has failed, so many have to be accepted until several are sent at once again: they may all fail.
alter table refund_rates add column unproven integer not null default 0 check (unproven >= 0);

-- Down Migration

alter table refund_rates drop column unproven;
