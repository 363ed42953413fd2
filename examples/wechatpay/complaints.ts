import type { WechatPay } from '../../wechatpay/index.ts';

/** Answers every complaint of a month that nobody has answered yet. */
export default async function complaints(
  pay: WechatPay,
  mchid: string,
  begin_date: string,
  end_date: string,
) {
  const answered: { complaint_id: string; telephone?: string }[] = [];
  for await (const complaint of pay.complaints.listAll({ begin_date, end_date })) {
    if (complaint.complaint_state !== 'PENDING') continue;
    const { complaint_id, payer_phone } = complaint;
    await pay.complaints.respond(complaint_id, {
      complainted_mchid: mchid,
      response_content: 'We are sorry. A new pot is on its way.',
    });
    answered.push({ complaint_id, ...(payer_phone && { telephone: pay.sensitive.decrypt(payer_phone) }) });
  }
  return answered;
}
