-- Up Migration

-- Overseas merchants: another API with its own currencies, and one statement a day in place of trade bill and fund flow.
alter table merchants add column region text not null default 'mainland' check (region in ('mainland', 'overseas'));

-- Amounts of a payment are in the smallest unit of its currency. What is taken through this service is CNY: its API asks for nothing else.
alter table payments
  drop constraint payments_currency_check,
  add constraint payments_currency_check check (currency ~ '^[A-Z]{3}$');

alter table bill_files
  drop constraint bill_files_kind_check,
  add constraint bill_files_kind_check check (kind in ('trade', 'fund_flow', 'statement'));

-- What a row of an overseas statement says of the settlement, as it is printed: the line in reconciliation_lines is in the currency of the order.
create table statement_lines (
  file                    bigint not null references bill_files (id) on delete cascade,
  line                    integer not null,
  -- Of an institution's sub-merchant; null for a merchant.
  sub_mchid               text,
  -- Null where the row names none. Amounts in the smallest unit of the currency before them, the fee in 1/100,000 of the whole one.
  settlement_currency     text,
  settlement              bigint,
  fee_hundred_thousandths bigint,
  fee_rate                text not null,
  payer_currency          text,
  payer_amount            bigint,
  exchange_rate           text not null,
  primary key (file, line)
);

-- Down Migration

drop table statement_lines;
alter table bill_files
  drop constraint bill_files_kind_check,
  add constraint bill_files_kind_check check (kind in ('trade', 'fund_flow'));
alter table payments
  drop constraint payments_currency_check,
  add constraint payments_currency_check check (currency = 'CNY');
alter table merchants drop column region;
