import type { Fen } from '../fen.ts';

/**
 * State of a complaint. PENDING: nobody has answered. PROCESSING: from the first response on. PROCESSED: the merchant completed it, the
 * customer has the refund, or the merchant refused one.
 */
export type ComplaintState = 'PENDING' | 'PROCESSING' | 'PROCESSED' | (string & {});

/** What the customer asks for: a refund, a service that works, or something else. */
export type ProblemType = 'REFUND' | 'SERVICE_NOT_WORK' | 'OTHERS' | (string & {});

/** What WeChat Pay thinks of the customer: refund at once, or watch out for fraud. */
export type UserTag = 'TRUSTED' | 'HIGH_RISK' | (string & {});

/** Who supplied the files: the customer with the complaint, or somebody during the negotiation. */
export type ComplaintMediaType = 'USER_COMPLAINT_IMAGE' | 'OPERATION_IMAGE' | (string & {});

/** State of an order of WeChat Pay Score. */
export type ServiceOrderState = 'DOING' | 'REVOKED' | 'WAITPAY' | 'DONE' | (string & {});

/** Files of a complaint. */
export interface ComplaintMedia {
  media_type: ComplaintMediaType;
  /** Each for `complaints.downloadImage`. */
  media_url: string[];
}

/** A complaint as lists and the detail answer it; fields that are not listed here are kept. */
export interface Complaint {
  /** 27 digits. */
  complaint_id: string;
  /** RFC 3339 with offset and milliseconds. */
  complaint_time: string;
  /** The customer's words. */
  complaint_detail: string;
  complaint_state: ComplaintState;
  /** The merchant it is about; for a service provider, one of its sub-merchants. */
  complainted_mchid: string;
  /** Encrypted for this merchant's certificate: `pay.sensitive.decrypt(complaint.payer_phone)`. */
  payer_phone?: string;
  /** Only in the detail. */
  payer_openid?: string;
  complaint_order_info?: { transaction_id: string; out_trade_no: string; amount: Fen }[];
  /** Orders of WeChat Pay Score. */
  service_order_info?: { order_id?: string; out_order_no?: string; state?: ServiceOrderState }[];
  complaint_media_list?: ComplaintMedia[];
  /** True when every order of the complaint was refunded in full. */
  complaint_full_refunded: boolean;
  /** True when the customer wrote last and waits. */
  incoming_user_response: boolean;
  problem_description: string;
  problem_type?: ProblemType;
  /** What the customer wants back; with `problem_type` REFUND. */
  apply_refund_amount?: Fen;
  /** How often this customer has complained about these orders. */
  user_complaint_times: number;
  user_tag_list?: UserTag[];
  additional_info?: ComplaintAdditionalInfo;
  /** True while WeChat Pay's own staff mediates. */
  in_platform_service?: boolean;
  /** True when the customer is waiting in the chat: see `complaints.respondImmediately`. */
  need_immediate_service?: boolean;
  /** True when software complains in the customer's name. */
  is_agent_mode?: boolean;
}

/** What complaints of single trades say besides. */
export interface ComplaintAdditionalInfo {
  /** SHARE_POWER_TYPE: rented power banks. */
  type?: 'SHARE_POWER_TYPE' | (string & {});
  share_power_info?: {
    /** RFC 3339 with offset. */
    return_time?: string;
    return_address_info?: { return_address?: string; longitude?: string; latitude?: string };
    is_returned_to_same_machine?: boolean;
  };
}

/** What a step of the negotiation was. The two odd spellings are WeChat Pay's. */
export type ComplaintOperateType =
  | 'USER_CREATE_COMPLAINT'
  | 'USER_CONTINUE_COMPLAINT'
  | 'USER_RESPONSE'
  | 'PLATFORM_RESPONSE'
  | 'MERCHANT_RESPONSE'
  | 'MERCHANT_CONFIRM_COMPLETE'
  | 'PLATFORM_HELP_APPLICATION'
  | 'USER_APPLY_PLATFORM_HELP'
  | 'MERCHANT_APPROVE_REFUND'
  | 'MERCHANT_REFUSE_RERUND'
  | 'USER_SUBMIT_SATISFACTION'
  | 'SERVICE_ORDER_CANCEL'
  | 'SERVICE_ORDER_COMPLETE'
  | 'USER_APPLY_PLATFORM_SERVICE'
  | 'USER_CANCEL_PLATFORM_SERVICE'
  | 'PLATFORM_SERVICE_FINISHED'
  | 'USER_CLICK_RESPONSE'
  | 'USER_REVOKE_COMPLAINT'
  | 'USER_COMFIRM_COMPLAINT'
  | `${
      | 'USER_CREATE_COMPLAINT'
      | 'USER_CONTINUE_COMPLAINT'
      | 'COMPLAINT_FULL_REFUNDED'
      | 'COMPLAINT_PARTIAL_REFUNDED'
      | 'COMPLAINT_REFUND_RECEIVED'
      | 'COMPLAINT_ENTRUSTED_REFUND'}_SYSTEM_MESSAGE`
  | (string & {});

/** One step of the negotiation; fields that are not listed here are kept. */
export interface NegotiationEntry {
  log_id: string;
  /** Who did it, in Chinese. */
  operator: string;
  /** RFC 3339 with offset. */
  operate_time: string;
  operate_type: ComplaintOperateType;
  operate_details?: string;
  /** The older form of `complaint_media_list`. */
  image_list?: string[];
  /** One object here, a list in the complaint itself. */
  complaint_media_list?: ComplaintMedia;
  /** The message of an immediate response. */
  normal_message?: ComplaintMessage;
  /** What the customer chose from an immediate response. */
  click_message?: { message_content?: string; action_id?: string; clicked_log_id?: string };
}

/** A part of a list. */
export interface ComplaintPage<Entry> {
  data: Entry[];
  limit: number;
  offset: number;
  /** How many entries there are on all pages; only on the page at offset 0. */
  total_count?: number;
}

/** Which complaints: those filed within these days. */
export interface ComplaintRange {
  /** First day, `yyyy-MM-dd`, a date of Asia/Shanghai (UTC+8). */
  begin_date: string;
  /** Last day, included, `yyyy-MM-dd`, a date of Asia/Shanghai. */
  end_date: string;
  /** Only those about this merchant: a service provider sees those of all its sub-merchants. */
  complainted_mchid?: string;
}

/** Which part of a list. */
export interface ComplaintPaging {
  /** Entries of a page. */
  limit?: number;
  /** Entries before it. Default 0. */
  offset?: number;
}

/** Where notifications about complaints go; one address for a merchant number. */
export interface ComplaintNotificationAddress {
  mchid: string;
  url: string;
}

/** What a press on a link or a button does. */
export interface ComplaintMessageAction {
  action_type?:
    | 'ACTION_TYPE_SEND_MESSAGE'
    | 'ACTION_TYPE_JUMP_URL'
    | 'ACTION_TYPE_JUMP_MINI_PROGRAM'
    | (string & {});
  /** For ACTION_TYPE_JUMP_URL. */
  jump_url?: string;
  /** For ACTION_TYPE_JUMP_MINI_PROGRAM. */
  mini_program_jump_info?: { appid?: string; path?: string };
  /** For ACTION_TYPE_SEND_MESSAGE: what is then said in the customer's name. */
  message_info?: { content: string; custom_data?: string };
  /** Comes back in `click_message` of the negotiation history. */
  action_id?: string;
}

/** When a link or a button stops working. */
export interface ComplaintMessageExpiry {
  /** RFC 3339 with offset. */
  expired_time?: string;
  multi_clickable?: boolean;
}

/** A link or a button. */
export interface ComplaintMessageButton {
  text?: string;
  action?: ComplaintMessageAction;
  invalid_info?: ComplaintMessageExpiry;
}

/** One part of a message: `type` names the field that is filled. */
export type ComplaintMessageBlock =
  | { type: 'TEXT'; text: { text?: string; color?: 'DEFAULT' | 'SECONDARY'; is_bold?: boolean } }
  | {
      type: 'IMAGE';
      /** `media_id` from `complaints.uploadImage`. */
      image: { media_id?: string; image_style_type?: 'IMAGE_STYLE_TYPE_NARROW' | 'IMAGE_STYLE_TYPE_WIDE' };
    }
  | { type: 'LINK'; link: ComplaintMessageButton }
  | {
      type: 'FAQ_LIST';
      faq_list: { faqs?: { faq_id?: string; faq_title?: string; action?: ComplaintMessageAction }[] };
    }
  | { type: 'BUTTON'; button: ComplaintMessageButton }
  | {
      type: 'BUTTON_GROUP';
      button_group: {
        buttons?: Omit<ComplaintMessageButton, 'invalid_info'>[];
        button_layout?: 'LAYOUT_UNKNOWN' | 'LAYOUT_HORIZONTAL' | 'LAYOUT_VERTICAL';
        invalid_info?: ComplaintMessageExpiry;
      };
    };

/** A message in the chat with a customer who waits for immediate service. */
export interface ComplaintMessage {
  blocks?: ComplaintMessageBlock[];
  /** Whether a person wrote it or a machine. */
  sender_identity?: 'UNKNOWN' | 'MANUAL' | 'MACHINE';
  /** Handed back as it is. */
  custom_data?: string;
}
