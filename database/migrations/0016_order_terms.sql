-- Up Migration

-- What an order says besides price and parties, in the words of the wire: {"goods_tag", "detail", "support_fapiao", "limit_pay", "settle_info"},
-- each only if it was said. Stored with the intent, before anything is sent.
alter table payments
  add column terms jsonb not null default '{}' check (jsonb_typeof(terms) = 'object');

-- The same of a refund: {"funds_account", "from", "goods_detail"}. Every attempt says them.
alter table refunds
  add column terms jsonb not null default '{}' check (jsonb_typeof(terms) = 'object');

-- The appids of a merchant besides its first one, and the products whose orders name them unless told otherwise:
-- [{"appid": "wx…", "products": ["MINI_PROGRAM"]}].
alter table merchants
  add column other_appids jsonb not null default '[]' check (jsonb_typeof(other_appids) = 'array');

-- Down Migration

alter table merchants drop column other_appids;
alter table payments drop column terms;
alter table refunds drop column terms;
