import type { Endpoint } from '../endpoint.ts';
import { OutcomeUnknownError } from '../errors.ts';
import {
  type ComplaintCalls,
  complaintCalls,
  MAINLAND_COMPLAINTS,
  OVERSEAS_COMPLAINTS,
} from './complaint-endpoints.ts';
import {
  type ComplaintImage,
  type ComplaintImageFile,
  imagePath,
  imageType,
  readUpload,
} from './complaint-images.ts';
import { everyEntry, limitPaging, limitRange, pageProblem, ranges } from './complaint-pages.ts';
import {
  type ComplaintImmediateResponse,
  type ComplaintRefundProgress,
  type ComplaintResponse,
  requireText,
  serializeImmediateResponse,
  serializeRefundProgress,
  serializeResponse,
} from './complaint-replies.ts';
import type {
  Complaint,
  ComplaintNotificationAddress,
  ComplaintPage,
  ComplaintPaging,
  ComplaintRange,
  NegotiationEntry,
} from './complaint-types.ts';
import { serializeBody } from './request-body.ts';
import { targetOf } from './target.ts';
import type { Call, Transport } from './transport.ts';

const MAX_COMPLAINTS_OF_PAGE = 50;
const MAX_HISTORY_OF_PAGE = 300;
/** Customers send photographs of a few megabytes at most. */
const MAX_IMAGE_BYTES = 10 * 1024 * 1024;

/**
 * Consumer complaints 2.0. Notifications say that something happened; {@link get} says what. A service provider sees and answers the
 * complaints of all its sub-merchants.
 *
 * ```ts
 * for await (const complaint of pay.complaints.listAll({ begin_date: '2026-01-01', end_date: '2026-03-31' })) …
 * await pay.complaints.respond(complaint_id, { complainted_mchid, response_content: 'We are sorry.' });
 * ```
 */
export class Complaints {
  /** Where notifications about complaints go. */
  readonly notificationUrl: ComplaintNotificationUrl;
  readonly #transport: Transport;
  readonly #calls: ComplaintCalls;
  readonly #baseUrl: string;

  /** @param region overseas merchants have the same calls elsewhere. */
  constructor(
    transport: Transport,
    { baseUrl }: { baseUrl: string },
    region: 'mainland' | 'overseas' = 'mainland',
  ) {
    this.#transport = transport;
    this.#calls = complaintCalls(region === 'mainland' ? MAINLAND_COMPLAINTS : OVERSEAS_COMPLAINTS);
    this.#baseUrl = baseUrl;
    this.notificationUrl = new ComplaintNotificationUrl(transport, this.#calls);
  }

  /**
   * A page of the complaints filed within at most 30 days; `limit` 1 to 50, default 10.
   * @throws RequestRejectedError PARAM_ERROR for dates that are none and for longer ranges.
   * @throws WechatPayError
   */
  async list(request: ComplaintRange & ComplaintPaging): Promise<ComplaintPage<Complaint>> {
    limitRange(request);
    limitPaging(request, MAX_COMPLAINTS_OF_PAGE);
    const { begin_date, end_date, limit, offset, complainted_mchid } = request;
    const query = { limit, offset, begin_date, end_date, complainted_mchid };
    return this.#page<Complaint>({ endpoint: this.#calls.list, query }, 'complaint_id');
  }

  /**
   * All complaints filed within these days, of any number: asks for 30 days at a time, oldest first, and page by page. A complaint that is
   * filed meanwhile may be there or not; none comes twice.
   * @throws RequestRejectedError PARAM_ERROR for dates that are none.
   * @throws WechatPayError, UNEXPECTED_ANSWER too when the list does not end.
   */
  async *listAll(range: ComplaintRange): AsyncGenerator<Complaint, void, undefined> {
    const limit = MAX_COMPLAINTS_OF_PAGE;
    for (const part of ranges(range)) {
      const request = { ...range, ...part, limit };
      yield* everyEntry({
        read: (offset) => this.list({ ...request, offset }),
        limit,
        identify: (complaint) => complaint.complaint_id,
        endless: (problem) => this.#unexpected(this.#calls.list, { query: part }, problem),
      });
    }
  }

  /**
   * A complaint with everything that is known about it. `payer_phone` stays encrypted: `pay.sensitive.decrypt` opens it.
   * @throws WechatPayError
   */
  async get(complaintId: string): Promise<Complaint> {
    return this.#transport.call<Complaint>(
      { endpoint: this.#calls.get, segments: { complaint_id: complaintId } },
      { complaint_id: complaintId, complaint_state: true },
    );
  }

  /**
   * A page of what was said and done; `limit` 1 to 300, default 100.
   * @throws WechatPayError
   */
  async negotiationHistory(
    complaintId: string,
    paging: ComplaintPaging = {},
  ): Promise<ComplaintPage<NegotiationEntry>> {
    limitPaging(paging, MAX_HISTORY_OF_PAGE);
    const { limit, offset } = paging;
    return this.#page<NegotiationEntry>(
      {
        endpoint: this.#calls.negotiationHistory,
        segments: { complaint_id: complaintId },
        query: { limit, offset },
      },
      'log_id',
    );
  }

  /**
   * All that was said and done.
   * @throws WechatPayError, UNEXPECTED_ANSWER too when the list does not end.
   */
  async *negotiationHistoryAll(complaintId: string): AsyncGenerator<NegotiationEntry, void, undefined> {
    const limit = MAX_HISTORY_OF_PAGE;
    const segments = { complaint_id: complaintId };
    yield* everyEntry({
      read: (offset) => this.negotiationHistory(complaintId, { limit, offset }),
      limit,
      // Nobody promises that a log_id occurs once, and what has happened does not change.
      identify: (entry) => JSON.stringify(entry),
      endless: (problem) => this.#unexpected(this.#calls.negotiationHistory, { segments }, problem),
    });
  }

  /**
   * Answers the customer; the first answer makes the complaint PROCESSING. The gateway says every answer that arrives: when the outcome is
   * unknown, look into {@link negotiationHistory} before you repeat it.
   * @throws RequestRejectedError PARAM_ERROR naming the field that breaks a limit.
   * @throws WechatPayError
   */
  async respond(complaintId: string, response: ComplaintResponse): Promise<void> {
    await this.#post(this.#calls.respond, complaintId, serializeResponse(response));
  }

  /**
   * Declares the complaint settled: PROCESSED. Answer the customer first.
   * @throws WechatPayError
   */
  async complete(complaintId: string, { complainted_mchid }: { complainted_mchid: string }): Promise<void> {
    requireText('complainted_mchid', complainted_mchid);
    await this.#post(this.#calls.complete, complaintId, serializeBody({ complainted_mchid }));
  }

  /**
   * Says what becomes of the refund that the customer asks for. APPROVE moves no money: apply for the refund as for any other. REJECT ends
   * the complaint.
   * @throws RequestRejectedError PARAM_ERROR naming the field that breaks a limit.
   * @throws WechatPayError
   */
  async updateRefundProgress(complaintId: string, progress: ComplaintRefundProgress): Promise<void> {
    await this.#post(this.#calls.updateRefundProgress, complaintId, serializeRefundProgress(progress));
  }

  /**
   * Writes to a customer who waits in the chat (`need_immediate_service`). Safe to repeat with the same `idempotent_id`.
   * @throws WechatPayError
   */
  async respondImmediately(
    complaintId: string,
    response: ComplaintImmediateResponse,
  ): Promise<{ log_id: string }> {
    const body = serializeImmediateResponse(response);
    return this.#transport.call<{ log_id: string }>(
      { endpoint: this.#calls.respondImmediately, segments: { complaint_id: complaintId }, body },
      { log_id: true },
    );
  }

  /**
   * Uploads an image for an answer. The signature covers its name and SHA-256 (official page 4012365342).
   * @throws RequestRejectedError PARAM_ERROR for other files than JPEG, PNG and BMP of at most 2 MB, and for names that do not fit a header.
   * @throws WechatPayError
   */
  async uploadImage(image: ComplaintImageFile): Promise<{ media_id: string }> {
    const { meta, file } = readUpload(image);
    return this.#transport.call<{ media_id: string }>(
      { endpoint: this.#calls.uploadImage, body: meta, file },
      { media_id: true },
    );
  }

  /**
   * An image by its `media_id` or `media_url`, at most 10 MB. WeChat Pay does not sign it, so the bytes are not to be trusted.
   * @throws RequestRejectedError PARAM_ERROR for an address that is not WeChat Pay's.
   * @throws OutcomeUnknownError UNEXPECTED_ANSWER for what is too large or no image.
   * @throws WechatPayError
   */
  async downloadImage(mediaIdOrUrl: string): Promise<ComplaintImage> {
    const target = /^https?:/i.test(mediaIdOrUrl)
      ? imagePath(this.#transport.ownTarget(mediaIdOrUrl, 'media_url'))
      : targetOf(this.#calls.downloadImage, 'merchant', { media_id: mediaIdOrUrl });
    const { body } = await this.#transport.open(target);
    const refuse = (problem: string) => this.#unexpected({ method: 'GET', path: target }, {}, problem);
    const chunks: Buffer[] = [];
    let size = 0;
    // Leaving the loop early destroys the connection.
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_IMAGE_BYTES) throw refuse(`is larger than ${MAX_IMAGE_BYTES} bytes`);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    const contentType = imageType(bytes);
    if (!contentType) throw refuse('is no image');
    return { contentType, bytes };
  }

  async #post(endpoint: Endpoint, complaintId: string, body: string): Promise<void> {
    await this.#transport.send({ endpoint, segments: { complaint_id: complaintId }, body });
  }

  async #page<Entry>(call: Call, id: string): Promise<ComplaintPage<Entry>> {
    const page = (await this.#transport.send(call)) ?? {};
    const problem = pageProblem(page, id);
    if (problem) throw this.#unexpected(call.endpoint, call, problem);
    return { ...page, data: page.data ?? [] } as unknown as ComplaintPage<Entry>;
  }

  #unexpected(
    endpoint: Endpoint,
    { segments, query }: Pick<Call, 'segments' | 'query'>,
    problem: string,
  ): OutcomeUnknownError {
    const url = this.#baseUrl + targetOf(endpoint, 'merchant', segments, query);
    return new OutcomeUnknownError(`The answer to ${endpoint.method} ${url} ${problem}.`, {
      code: 'UNEXPECTED_ANSWER',
      request: { method: endpoint.method, url },
      httpStatus: 200,
    });
  }
}

/** The one address that notifications about complaints go to. */
export class ComplaintNotificationUrl {
  readonly #transport: Transport;
  readonly #calls: ComplaintCalls;

  constructor(transport: Transport, calls: ComplaintCalls) {
    this.#transport = transport;
    this.#calls = calls;
  }

  /** Sets it for the first time; https, at most 255 characters. @throws WechatPayError */
  async create(url: string): Promise<ComplaintNotificationAddress> {
    return this.#call(this.#calls['notificationUrl.create'], url);
  }

  /** The address that is set. @throws WechatPayError */
  async get(): Promise<ComplaintNotificationAddress> {
    return this.#call(this.#calls['notificationUrl.get']);
  }

  /** Sets another one; https, at most 255 characters. @throws WechatPayError */
  async update(url: string): Promise<ComplaintNotificationAddress> {
    return this.#call(this.#calls['notificationUrl.update'], url);
  }

  /** Removes it: no more notifications about complaints. @throws WechatPayError */
  async delete(): Promise<void> {
    await this.#transport.send({ endpoint: this.#calls['notificationUrl.delete'] });
  }

  async #call(endpoint: Endpoint, url?: string): Promise<ComplaintNotificationAddress> {
    if (endpoint.method !== 'GET') requireText('url', url);
    return this.#transport.call<ComplaintNotificationAddress>(
      { endpoint, ...(url !== undefined && { body: serializeBody({ url }) }) },
      { mchid: true, url: true },
    );
  }
}
