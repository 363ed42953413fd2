import { refused } from '../errors.ts';
import type { ComplaintMessage } from './complaint-types.ts';
import { serializeBody } from './request-body.ts';

/** What the merchant answers the customer. Limits: the official page of the response call. */
export interface ComplaintResponse {
  /** The merchant that the complaint is about. */
  complainted_mchid: string;
  /** At most 500 characters. Official pages differ, 200 is safe. */
  response_content: string;
  /** At most four `media_id` from `complaints.uploadImage`. */
  response_images?: string[];
  /** Shown as a link below the answer: https, at most 512 characters. */
  jump_url?: string;
  /** The words of that link, at most ten characters. */
  jump_url_text?: string;
  /** A mini program instead. */
  mini_program_jump_info?: { appid: string; path: string; text: string };
}

/** What the merchant decided about the refund that the customer asks for. */
export type ComplaintRefundProgress = {
  /** For WeChat Pay, at most 200 characters; the customer does not see it. */
  remark?: string;
} & (
  | {
      /** The refund itself is another call (`refunds.apply`): this one only announces it. */
      action: 'APPROVE';
      /** In how many days it starts; 0 is today. */
      launch_refund_day?: number;
    }
  | {
      /** Ends the complaint. */
      action: 'REJECT';
      /** At most 200 characters. */
      reject_reason: string;
      /** Evidence: at most four `media_id` from `complaints.uploadImage`. */
      reject_media_list?: string[];
    }
);

/** A message to a customer who waits in the chat. */
export interface ComplaintImmediateResponse {
  /** The merchant that the complaint is about. */
  complainted_mchid: string;
  /** Yours: the same id is said once, however often it is sent. */
  idempotent_id: string;
  message: ComplaintMessage;
}

const MAX_IMAGES = 4;

/** The body of a response. @throws RequestRejectedError PARAM_ERROR naming the field that breaks a limit. */
export function serializeResponse(response: ComplaintResponse): string {
  requireText('complainted_mchid', response.complainted_mchid);
  requireText('response_content', response.response_content);
  limitText('response_content', response.response_content, 500);
  limitImages('response_images', response.response_images);
  limitText('jump_url', response.jump_url, 512);
  limitText('jump_url_text', response.jump_url_text, 10);
  return serializeBody(response);
}

/** The body of a decision. @throws RequestRejectedError PARAM_ERROR naming the field that breaks a limit. */
export function serializeRefundProgress(progress: ComplaintRefundProgress): string {
  limitText('remark', progress.remark, 200);
  if (progress.action === 'REJECT') {
    requireText('reject_reason', progress.reject_reason);
    limitText('reject_reason', progress.reject_reason, 200);
    limitImages('reject_media_list', progress.reject_media_list);
  } else if (progress.action !== 'APPROVE') {
    throw refused('action', 'is neither APPROVE nor REJECT');
  }
  return serializeBody(progress);
}

/** The body of an immediate response. @throws RequestRejectedError PARAM_ERROR when a field is missing. */
export function serializeImmediateResponse(response: ComplaintImmediateResponse): string {
  requireText('complainted_mchid', response.complainted_mchid);
  requireText('idempotent_id', response.idempotent_id);
  return serializeBody(response);
}

/** Refuses what is no text, or an empty one. */
export function requireText(field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw refused(field, 'is missing');
}

function limitText(field: string, value: string | undefined, most: number): void {
  // Characters of four bytes, which would count twice, are refused anyway.
  if (value !== undefined && value !== null && value.length > most)
    throw refused(field, `has ${value.length} characters, more than ${most}`);
}

function limitImages(field: string, ids: string[] | undefined): void {
  if (ids && ids.length > MAX_IMAGES)
    throw refused(field, `names ${ids.length} images, more than ${MAX_IMAGES}`);
}
