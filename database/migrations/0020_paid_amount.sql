-- Up Migration

-- What two operators say has arrived, where it is not the payment's amount. WeChat Pay's order is over that, and so much can be refunded.
alter table payments add column paid_amount bigint check (paid_amount > 0);

-- Down Migration

alter table payments drop column paid_amount;
