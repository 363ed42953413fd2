/** complaint_state. */
export type ComplaintState = 'PENDING' | 'PROCESSING' | 'PROCESSED';

/** What an action comes to. */
export interface ComplaintRule {
  /** Who is shown to have done it. */
  operator: '投诉人' | '商户' | '微信支付';
  operateType: string;
  /** In which states it can be done, and to which they lead. */
  moves: Partial<Record<ComplaintState, ComplaintState>>;
  /** action_type of the notification; the merchant's own actions are not pushed. */
  notifiedAs?: string;
  /** Whether the customer waits for an answer afterwards; unchanged when undefined. */
  waiting?: boolean;
}

/**
 * What people do to a complaint (official pages of the response, complete and update-refund-progress calls). That a continued complaint is
 * PENDING again, and how revoking and confirming are pushed, no page seen says.
 */
export const COMPLAINT_ACTIONS = {
  create: {
    operator: '投诉人',
    operateType: 'USER_CREATE_COMPLAINT',
    moves: { PENDING: 'PENDING' },
    notifiedAs: 'CREATE_COMPLAINT',
    waiting: true,
  },
  continue: {
    operator: '投诉人',
    operateType: 'USER_CONTINUE_COMPLAINT',
    moves: { PENDING: 'PENDING', PROCESSING: 'PROCESSING', PROCESSED: 'PENDING' },
    notifiedAs: 'CONTINUE_COMPLAINT',
    waiting: true,
  },
  user_respond: {
    operator: '投诉人',
    operateType: 'USER_RESPONSE',
    moves: { PENDING: 'PENDING', PROCESSING: 'PROCESSING' },
    notifiedAs: 'USER_RESPONSE',
    waiting: true,
  },
  revoke: {
    operator: '投诉人',
    operateType: 'USER_REVOKE_COMPLAINT',
    moves: { PENDING: 'PROCESSED', PROCESSING: 'PROCESSED' },
    notifiedAs: 'USER_REVOKE_COMPLAINT',
    waiting: false,
  },
  confirm: {
    operator: '投诉人',
    operateType: 'USER_COMFIRM_COMPLAINT', // sic
    moves: { PENDING: 'PROCESSED', PROCESSING: 'PROCESSED', PROCESSED: 'PROCESSED' },
    notifiedAs: 'USER_COMFIRM_COMPLAINT',
    waiting: false,
  },
  respond: {
    operator: '商户',
    operateType: 'MERCHANT_RESPONSE',
    moves: { PENDING: 'PROCESSING', PROCESSING: 'PROCESSING' },
    waiting: false,
  },
  complete: {
    operator: '商户',
    operateType: 'MERCHANT_CONFIRM_COMPLETE',
    moves: { PROCESSING: 'PROCESSED' },
    waiting: false,
  },
  approve: {
    operator: '商户',
    operateType: 'MERCHANT_APPROVE_REFUND',
    moves: { PENDING: 'PROCESSING', PROCESSING: 'PROCESSING' },
    waiting: false,
  },
  reject: {
    operator: '商户',
    operateType: 'MERCHANT_REFUSE_RERUND', // sic
    moves: { PENDING: 'PROCESSED', PROCESSING: 'PROCESSED' },
    waiting: false,
  },
  partial_refund: {
    operator: '微信支付',
    operateType: 'COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE',
    moves: { PENDING: 'PENDING', PROCESSING: 'PROCESSING', PROCESSED: 'PROCESSED' },
    notifiedAs: 'REFUND_SUCCESS',
  },
  full_refund: {
    operator: '微信支付',
    operateType: 'COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE',
    moves: { PENDING: 'PENDING', PROCESSING: 'PROCESSING', PROCESSED: 'PROCESSED' },
    notifiedAs: 'REFUND_SUCCESS',
  },
  /** What the customer asked for has arrived: that settles a complaint that asked for a refund. */
  refund_received: {
    operator: '微信支付',
    operateType: 'COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE',
    moves: { PENDING: 'PROCESSED', PROCESSING: 'PROCESSED', PROCESSED: 'PROCESSED' },
    notifiedAs: 'REFUND_SUCCESS',
    waiting: false,
  },
} as const satisfies Record<string, ComplaintRule>;
export type ComplaintAction = keyof typeof COMPLAINT_ACTIONS;
