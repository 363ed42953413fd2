-- Up Migration

-- What the XML API (v2) needs besides: its own key, and the merchant API certificate, whose private key is that of v3. Null where it is not used.
alter table merchants
  add column sealed_api_v2_key bytea,
  add column certificate text;

alter table payments
  drop constraint payments_product_check,
  add constraint payments_product_check check
    (product in ('NATIVE', 'JSAPI', 'MINI_PROGRAM', 'APP', 'H5', 'CODEPAY', 'MICROPAY', 'FACEPAY')),
  -- What the customer has shown, a payment code or the credential of a face: charged once, and gone from here before it is sent.
  add column sealed_code bytea,
  -- When it was sent. From then on nobody sends it again: it is asked what became of it.
  add column code_sent_at timestamptz,
  -- When a reversal was sent last whose outcome is not known: until it is, what was paid counts as taken back.
  add column reverse_sent_at timestamptz;

alter table payments
  add constraint payments_code_check check
    (product in ('CODEPAY', 'MICROPAY', 'FACEPAY') or num_nonnulls(sealed_code, code_sent_at, reverse_sent_at) = 0),
  add constraint payments_code_sent_check check (sealed_code is null or code_sent_at is null),
  -- Whoever has the money has not asked WeChat Pay to give it back.
  add constraint payments_reverse_check check
    (reverse_sent_at is null or status in ('CREATED', 'PENDING', 'CLOSED'));

-- Down Migration

alter table payments
  drop constraint payments_product_check,
  drop constraint payments_code_check, drop constraint payments_code_sent_check, drop constraint payments_reverse_check,
  drop column sealed_code, drop column code_sent_at, drop column reverse_sent_at,
  add constraint payments_product_check check (product in ('NATIVE', 'JSAPI', 'MINI_PROGRAM', 'APP', 'H5')) not valid;
alter table merchants drop column sealed_api_v2_key, drop column certificate;
