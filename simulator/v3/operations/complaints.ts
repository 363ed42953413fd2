import { type Complaint, concerns, type Statement } from '../../complaints/complaint.ts';
import { checkUpload } from '../../complaints/images.ts';
import { GatewayError, paramError } from '../../gateway-error.ts';
import { chinaTime } from '../../time/china-time.ts';
import {
  completeBody,
  immediateResponseBody,
  notificationUrlBody,
  refundProgressBody,
  responseBody,
  uploadMeta,
} from '../bodies/complaint.ts';
import { metaOf, parseMultipart } from '../multipart.ts';
import { complaintObject, historyObject } from '../objects/complaint.ts';
import type { Call, CheckedCall, Operation } from '../operation.ts';
import { publicUrl } from '../public-url.ts';
import { day, wholeNumber } from '../query.ts';
import { checkFields, parseJson } from '../request-body.ts';

/** The mainland's, the overseas one, and the latter's older name. */
const PREFIX = '/(?:v3|v3/global|hk/v3)/merchant-service';
const COMPLAINT = `${PREFIX}/complaints-v2/(?<complaint_id>[^/]+)`;
const DAY_MS = 24 * 60 * 60_000;
const MOST_DAYS = 30;

type Method = Operation['method'];
const operation = (name: string, method: Method, path: string, check: Operation['check']): Operation => ({
  name,
  method,
  path: new RegExp(`^${path}$`),
  check,
});

/** Consumer complaints 2.0, for merchants and for service providers, who see those of all their sub-merchants. */
export const complaintOperations: readonly Operation[] = [
  operation('complaint.list', 'GET', `${PREFIX}/complaints-v2`, checkList),
  operation('complaint.get', 'GET', COMPLAINT, checkGet),
  operation('complaint.history', 'GET', `${COMPLAINT}/negotiation-historys`, checkHistory),
  operation('complaint.respond', 'POST', `${COMPLAINT}/response`, checkResponse),
  operation('complaint.complete', 'POST', `${COMPLAINT}/complete`, checkComplete),
  operation('complaint.refund_progress', 'POST', `${COMPLAINT}/update-refund-progress`, checkProgress),
  operation(
    'complaint.respond_immediately',
    'POST',
    `${COMPLAINT}/response-immediate-service`,
    checkImmediateResponse,
  ),
  operation('complaint_url.create', 'POST', `${PREFIX}/complaint-notifications`, checkSetUrl('createUrl')),
  operation('complaint_url.get', 'GET', `${PREFIX}/complaint-notifications`, checkGetUrl),
  operation('complaint_url.update', 'PUT', `${PREFIX}/complaint-notifications`, checkSetUrl('updateUrl')),
  operation('complaint_url.delete', 'DELETE', `${PREFIX}/complaint-notifications`, checkDeleteUrl),
  {
    ...operation('complaint_image.upload', 'POST', `${PREFIX}/images/upload`, checkImageUpload),
    signedPart: metaOf,
  },
  operation('complaint_image.download', 'GET', `${PREFIX}/images/(?<media_id>[^/]+)`, checkDownload),
];

function checkList(call: Call): CheckedCall {
  const { gateway, caller, query } = call;
  const begin = day(query, 'begin_date', 'yyyy-MM-dd');
  const end = day(query, 'end_date', 'yyyy-MM-dd');
  if (end < begin || end - begin > MOST_DAYS * DAY_MS) {
    const value = query.get('end_date');
    throw paramError({ field: 'end_date', value, issue: 'not within 30 days', location: 'query' });
  }
  const paging = page(query, { most: 50, usual: 10 });
  const named = query.get('complainted_mchid');
  return {
    subject: { mchid: caller.mchid },
    run: () =>
      paged(
        gateway.complaints.book.visibleTo(caller.mchid).filter(({ createdAt, complaintedMchid }) => {
          const filed = Date.parse(chinaTime(createdAt).slice(0, 10));
          return filed >= begin && filed <= end && (!named || named === complaintedMchid);
        }),
        paging,
        (complaint) => complaintObject(complaint, publicKey(call), mediaUrl(call)),
      ),
  };
}

function checkGet(call: Call): CheckedCall {
  return about(call, (complaint) => ({
    ...complaintObject(complaint, publicKey(call), mediaUrl(call)),
    payer_openid: complaint.payerOpenid,
  }));
}

function checkHistory(call: Call): CheckedCall {
  const paging = page(call.query, { most: 300, usual: 100 });
  return about(call, ({ history }) =>
    paged(history, paging, (entry) => historyObject(entry, mediaUrl(call))),
  );
}

function checkResponse(call: Call): CheckedCall {
  const body = checkFields(responseBody, parseJson(call.body), 'body');
  const images = ownImages(call, '/response_images', body.response_images);
  return change(call, body, (complaint) => {
    const said: Statement = { details: body.response_content, images };
    call.gateway.complaints.book.merchantActs(complaint, 'respond', said);
    return undefined;
  });
}

function checkComplete(call: Call): CheckedCall {
  const body = checkFields(completeBody, parseJson(call.body), 'body');
  return change(call, body, (complaint) => {
    call.gateway.complaints.book.merchantActs(complaint, 'complete');
    return undefined;
  });
}

function checkProgress(call: Call): CheckedCall {
  const body = checkFields(refundProgressBody, parseJson(call.body), 'body');
  const images = ownImages(call, '/reject_media_list', body.reject_media_list);
  return change(call, {}, (complaint) => {
    call.gateway.complaints.book.decide(complaint, body.action, { details: body.reject_reason, images });
    return undefined;
  });
}

function checkImmediateResponse(call: Call): CheckedCall {
  const body = checkFields(immediateResponseBody, parseJson(call.body), 'body');
  return change(call, body, (complaint) => ({
    log_id: call.gateway.complaints.book.respondImmediately(complaint, body.idempotent_id, body.message),
  }));
}

function checkSetUrl(how: 'createUrl' | 'updateUrl'): Operation['check'] {
  return ({ gateway, caller: { mchid }, body }) => {
    const { url } = checkFields(notificationUrlBody, parseJson(body), 'body');
    return {
      subject: { mchid },
      run: () => {
        gateway.complaints[how](mchid, url);
        return { mchid, url };
      },
    };
  };
}

function checkGetUrl({ gateway, caller: { mchid } }: Call): CheckedCall {
  return { subject: { mchid }, run: () => ({ mchid, url: gateway.complaints.existingUrl(mchid) }) };
}

function checkDeleteUrl({ gateway, caller: { mchid } }: Call): CheckedCall {
  return {
    subject: { mchid },
    run: () => {
      gateway.complaints.deleteUrl(mchid);
      return undefined;
    },
  };
}

function checkImageUpload({ gateway, caller, body, contentType }: Call): CheckedCall {
  const meta = checkFields(uploadMeta, parseJson(metaOf(body, contentType)), 'body');
  const file = parseMultipart(body, contentType).find(({ name }) => name === 'file');
  const bytes = checkUpload(file, meta);
  return {
    subject: { mchid: caller.mchid },
    run: () => ({ media_id: gateway.complaints.images.add(caller.mchid, bytes) }),
  };
}

function checkDownload({ gateway, caller, parameters }: Call): CheckedCall {
  return {
    subject: { mchid: caller.mchid },
    run: () => {
      const image = gateway.complaints.images.find(caller.mchid, parameters.media_id ?? '');
      if (!image) throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '图片不存在');
      return { contentType: image.contentType, content: Buffer.from(image.content, 'base64') };
    },
  };
}

/** A call about one complaint. */
function about(
  { gateway, caller, parameters }: Call,
  run: (complaint: Complaint) => object | undefined,
): CheckedCall {
  const complaint = gateway.complaints.book.find(parameters.complaint_id ?? '');
  return {
    subject: { mchid: caller.mchid, outTradeNo: complaint?.outTradeNo },
    run: () => {
      if (!complaint) throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '投诉单不存在');
      // As the gateway words it (official page 4016111688).
      if (!concerns(complaint, caller.mchid)) throw noAuth();
      return run(complaint);
    },
  };
}

/** A call that changes one complaint, whose merchant it must name rightly where it names one. */
function change(
  call: Call,
  { complainted_mchid: named }: { complainted_mchid?: string },
  run: (complaint: Complaint) => object | undefined,
): CheckedCall {
  return about(call, (complaint) => {
    if (named !== undefined && named !== complaint.complaintedMchid) throw noAuth();
    return run(complaint);
  });
}

function noAuth(): GatewayError {
  return new GatewayError(403, 'NO_AUTH', '您暂无权限为该投诉单提交商户回复');
}

/** @throws GatewayError 400 PARAM_ERROR for an image that this merchant has not uploaded. */
function ownImages(
  { gateway, caller }: Call,
  field: string,
  mediaIds: string[] | undefined,
): string[] | undefined {
  mediaIds?.forEach((value, index) => {
    if (gateway.complaints.images.find(caller.mchid, value)) return;
    throw paramError({ field: `${field}/${index}`, value, issue: 'no such image', location: 'body' });
  });
  return mediaIds;
}

function publicKey({ gateway, caller }: Call) {
  return gateway.world.get(caller.mchid).merchantPublicKey;
}

/** Addresses of images are below the prefix that was called. */
function mediaUrl({ host, secure, path }: Call): (mediaId: string) => string {
  const [prefix] = path.split('/complaints-v2');
  return (mediaId) => publicUrl({ host, secure }, `${prefix}/images/${mediaId}`);
}

interface Paging {
  limit: number;
  offset: number;
}

function page(query: URLSearchParams, { most, usual }: { most: number; usual: number }): Paging {
  return {
    limit: wholeNumber(query, 'limit', { least: 1, most, usual }),
    offset: wholeNumber(query, 'offset', { usual: 0 }),
  };
}

/** A page of a list; only the first one says how many there are. */
function paged<T>(all: T[], { limit, offset }: Paging, render: (one: T) => object): object {
  return {
    data: all.slice(offset, offset + limit).map(render),
    limit,
    offset,
    total_count: offset === 0 ? all.length : undefined,
  };
}
