-- Up Migration

-- The payment of a number, for the few rows of a bill whose transaction we do not know: joined by the number as well, all payments would be read twice.
create function payment_numbered(merchant text, number text) returns payments
  language plpgsql stable strict parallel safe as
$$
declare
  numbered payments;
begin
  select * into numbered from payments p where p.merchant_id = merchant and p.out_trade_no = number;
  return numbered;
end
$$;

-- Down Migration

drop function payment_numbered(text, text);
