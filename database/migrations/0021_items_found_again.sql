-- Up Migration

-- The days on which an item was closed before it was found again: what was open before each of them is settled, whatever came later.
alter table reconciliation_items add column closed_before date[] not null default '{}';

-- A decision of a person stands until the other side comes: what is resolved is looked at, too.
drop index reconciliation_items_open;
create index reconciliation_items_open on reconciliation_items (merchant_id, bill_date) where status <> 'closed';

-- Down Migration

drop index reconciliation_items_open;
create index reconciliation_items_open on reconciliation_items (merchant_id, bill_date) where status in ('carried', 'break');
alter table reconciliation_items drop column closed_before;
