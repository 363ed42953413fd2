import type { KeyObject } from 'node:crypto';
import type { Complaint, HistoryEntry } from '../../complaints/complaint.ts';
import { encryptField } from '../../keys/sensitive-field.ts';
import { chinaMilliseconds } from '../../time/china-time.ts';

/** The complaint object of lists and, `payerOpenid` added, of the detail. @param mediaUrl the address of an image. */
export function complaintObject(
  complaint: Complaint,
  merchantPublicKey: KeyObject,
  mediaUrl: (mediaId: string) => string,
): Record<string, unknown> {
  const { images, serviceOrders, tags } = complaint;
  return {
    complaint_id: complaint.complaintId,
    complaint_time: chinaMilliseconds(complaint.createdAt),
    complaint_detail: complaint.detail,
    complaint_state: complaint.state,
    complainted_mchid: complaint.complaintedMchid,
    payer_phone: encryptField(complaint.payerPhone, merchantPublicKey),
    complaint_order_info: [
      {
        transaction_id: complaint.transactionId,
        out_trade_no: complaint.outTradeNo,
        amount: complaint.amount,
      },
    ],
    service_order_info: serviceOrders.length > 0 ? serviceOrders : undefined,
    complaint_media_list:
      images.length > 0
        ? [{ media_type: 'USER_COMPLAINT_IMAGE', media_url: images.map(mediaUrl) }]
        : undefined,
    complaint_full_refunded: complaint.fullRefunded,
    incoming_user_response: complaint.waiting,
    problem_description: complaint.problemDescription,
    problem_type: complaint.problemType,
    apply_refund_amount: complaint.applyRefundAmount,
    user_complaint_times: complaint.times,
    user_tag_list: tags.length > 0 ? tags : undefined,
    additional_info: complaint.additionalInfo,
    in_platform_service: complaint.inPlatformService,
    need_immediate_service: complaint.needImmediateService,
    is_agent_mode: complaint.isAgentMode,
  };
}

/** An entry of the negotiation history. */
export function historyObject(
  { logId, time, operator, operateType, details, images = [], message }: HistoryEntry,
  mediaUrl: (mediaId: string) => string,
): Record<string, unknown> {
  const urls = images.map(mediaUrl);
  const mediaType = operateType === 'USER_CREATE_COMPLAINT' ? 'USER_COMPLAINT_IMAGE' : 'OPERATION_IMAGE';
  return {
    log_id: logId,
    operator,
    operate_time: chinaMilliseconds(time),
    operate_type: operateType,
    operate_details: details,
    image_list: urls.length > 0 ? urls : undefined,
    complaint_media_list: urls.length > 0 ? { media_type: mediaType, media_url: urls } : undefined,
    normal_message: message,
  };
}
