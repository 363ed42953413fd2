-- Up Migration

-- How often a refund's request was sent: the more often in vain, the longer until the next time. Turns that it waited for do not count;
-- refusals for want of money do.
alter table refund_attempts add column times_sent integer not null default 0;

-- Down Migration

alter table refund_attempts drop column times_sent;
