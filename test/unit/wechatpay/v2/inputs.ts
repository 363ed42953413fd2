import type { Elements } from './v2-gateway.ts';

export const ORDERED = {
  body: 'Tea set 茶具',
  out_trade_no: 'V20260301000001',
  spbill_create_ip: '203.0.113.9',
};
export const ORDER_INPUT = { ...ORDERED, total_fee: 2590 };
export const ORDER_SENT: Elements = { ...ORDERED, total_fee: '2590' };
export const NOTIFY_URL = 'https://pay.example.com/wx?a=1&b=<2>';
export const TRANSACTION = '4200002088202603011234567890';

export const REFUND_INPUT = { out_trade_no: 'V1', out_refund_no: 'VR1', total_fee: 2590, refund_fee: 1000 };
export const REFUND_SENT: Elements = { ...REFUND_INPUT, total_fee: '2590', refund_fee: '1000' };
export const FACE_INPUT = { ...ORDER_INPUT, fee_type: 'CNY', face_code: 'f-code' };
export const MICROPAY_INPUT = { ...ORDER_INPUT, auth_code: '134567890123456789' };
export const TERMINAL = { store_id: 'S1', store_name: 'Harbour 店', device_id: 'D1', rawdata: 'raw+/=' };
export const REPORT = {
  interface_url: 'https://api.mch.weixin.qq.com/pay/unifiedorder',
  execute_time_: 120,
  return_code: 'SUCCESS' as const,
  result_code: 'SUCCESS' as const,
  user_ip: '203.0.113.9',
};
