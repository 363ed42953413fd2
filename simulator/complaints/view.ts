import { chinaTime } from '../time/china-time.ts';
import type { Complaint } from './complaint.ts';

/** A complaint as the control API shows it. Amounts in the smallest unit, times RFC 3339 in Asia/Shanghai. */
export interface ComplaintView {
  complaint_id: string;
  complaint_state: string;
  problem_type: string;
  complaint_detail: string;
  /** Who signs for the order, and the merchant that it is about. */
  mchid: string;
  complainted_mchid: string;
  out_trade_no: string;
  apply_refund_amount: number | null;
  payer_phone: string;
  incoming_user_response: boolean;
  full_refunded: boolean;
  decision: 'APPROVE' | 'REJECT' | null;
  created_at: string;
  /** Oldest first. */
  history: { log_id: string; time: string; operate_type: string; details: string | null }[];
}

export function complaintView(complaint: Complaint): ComplaintView {
  return {
    complaint_id: complaint.complaintId,
    complaint_state: complaint.state,
    problem_type: complaint.problemType,
    complaint_detail: complaint.detail,
    mchid: complaint.mchid,
    complainted_mchid: complaint.complaintedMchid,
    out_trade_no: complaint.outTradeNo,
    apply_refund_amount: complaint.applyRefundAmount ?? null,
    payer_phone: complaint.payerPhone,
    incoming_user_response: complaint.waiting,
    full_refunded: complaint.fullRefunded,
    decision: complaint.decision ?? null,
    created_at: chinaTime(complaint.createdAt),
    history: complaint.history.map(({ logId, time, operateType, details }) => ({
      log_id: logId,
      time: chinaTime(time),
      operate_type: operateType,
      details: details ?? null,
    })),
  };
}
