-- Up Migration

-- A service provider ('partner') signs with its own mchid for its sub-merchants, who have no keys. Numbers stay unique for the row: a
-- provider's out_trade_no over all of its sub-merchants, as at WeChat Pay.
alter table merchants
  add column role text not null default 'merchant' check (role in ('merchant', 'partner'));

alter table payments
  drop constraint payments_product_check,
  add constraint payments_product_check check (product in ('NATIVE', 'JSAPI', 'MINI_PROGRAM', 'APP', 'H5')),
  -- For whom a service provider takes the money; null for a merchant. Its appid, where the order names one.
  add column sub_mchid text,
  add column sub_appid text,
  -- Who pays, under the merchant's (provider's) appid, or under sub_appid. Private: never in ids, search attributes, events or logs.
  add column payer_openid text,
  add column payer_sub_openid text,
  -- As the order sends it: {"payer_client_ip": "…", "h5_info": {"type": "Wap" | "iOS" | "Android", "app_name", "app_url", "bundle_id",
  -- "package_name"}}, h5_info for H5 only. Private.
  add column scene_info jsonb,
  -- Where an H5 customer comes back to; WeChat Pay is not told, it is appended to the h5_url.
  add column h5_redirect_url text,
  -- What the order was answered, one of code_url, prepay_id and h5_url, and when it was asked for. Renewed when it has expired.
  add column prepay_id text,
  add column h5_url text,
  add column prepay_issued_at timestamptz;

-- When it was issued is not known: at the earliest then, so that it does not seem to live longer than it does.
update payments set prepay_issued_at = created_at where code_url is not null;

alter table payments
  add constraint payments_payer_check check
    ((product in ('JSAPI', 'MINI_PROGRAM')) = (num_nonnulls(payer_openid, payer_sub_openid) = 1)),
  add constraint payments_h5_check check ((product = 'H5') = (scene_info ? 'h5_info' and scene_info is not null)),
  add constraint payments_redirect_check check (product = 'H5' or h5_redirect_url is null),
  add constraint payments_sub_merchant_check check
    ((sub_mchid is not null or sub_appid is null) and (sub_appid is not null or payer_sub_openid is null)),
  add constraint payments_prepay_check check
    (num_nonnulls(code_url, prepay_id, h5_url) = (case when prepay_issued_at is null then 0 else 1 end));

-- Down Migration

alter table payments
  drop constraint payments_product_check,
  drop constraint payments_payer_check, drop constraint payments_h5_check, drop constraint payments_redirect_check,
  drop constraint payments_sub_merchant_check, drop constraint payments_prepay_check,
  drop column sub_mchid, drop column sub_appid, drop column payer_openid, drop column payer_sub_openid, drop column scene_info,
  drop column h5_redirect_url, drop column prepay_id, drop column h5_url, drop column prepay_issued_at,
  add constraint payments_product_check check (product in ('NATIVE')) not valid;
alter table merchants drop column role;
