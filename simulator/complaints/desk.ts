import { z } from 'zod';
import { ControlError, GatewayError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { Notice } from '../notifications/body.ts';
import type { Orders } from '../orders/book.ts';
import type { Order } from '../orders/order.ts';
import type { SeededRandom } from '../random.ts';
import type { Refund } from '../refunds/refund.ts';
import { COMPLAINT_ACTIONS, type ComplaintAction } from './actions.ts';
import { type Complaint, Complaints, type ComplaintTerms } from './complaint.ts';
import { ComplaintImages } from './images.ts';
import { type ComplaintView, complaintView } from './view.ts';

const DEFAULT_LIMIT = 1000;

/** base64 of JPEG, PNG or BMP files. */
const images = z.array(z.base64()).max(9).default([]);

/** What the control API takes to let a customer complain. */
export const complaintRequest = z.strictObject({
  out_trade_no: z.string(),
  /** Whose order, where numbers collide; the newest unless told. */
  mchid: z.string().optional(),
  problem_type: z.enum(['REFUND', 'SERVICE_NOT_WORK', 'OTHERS']).default('OTHERS'),
  problem_description: z.string().min(1).default('其他问题'),
  complaint_detail: z.string().min(1).default('商品有问题，请尽快处理'),
  /** With REFUND; the whole order unless told. */
  apply_refund_amount: z.int().positive().optional(),
  /** Drawn unless told. */
  payer_phone: z.string().min(1).optional(),
  images,
  user_tags: z.array(z.enum(['TRUSTED', 'HIGH_RISK'])).default([]),
  service_orders: z
    .array(
      z.strictObject({
        order_id: z.string(),
        out_order_no: z.string(),
        state: z.enum(['DOING', 'REVOKED', 'WAITPAY', 'DONE']),
      }),
    )
    .default([]),
  additional_info: z.looseObject({ type: z.string() }).optional(),
  in_platform_service: z.boolean().default(false),
  need_immediate_service: z.boolean().default(false),
  is_agent_mode: z.boolean().default(false),
});
export type ComplaintRequest = z.input<typeof complaintRequest>;

export const consumerStatement = z.strictObject({ details: z.string().min(1).optional(), images });

/** What a customer may do to a complaint, by its name in the control API. */
export const CONSUMER_ACTIONS = {
  continue: 'continue',
  revoke: 'revoke',
  respond: 'user_respond',
  confirm: 'confirm',
} as const satisfies Record<string, ComplaintAction>;
export type ConsumerAction = keyof typeof CONSUMER_ACTIONS;

/** Complaints with all that belongs to them: images, the addresses that notifications go to, and what customers do. */
export class ComplaintDesk {
  readonly book: Complaints;
  readonly images: ComplaintImages;
  readonly #urls: Collection<string>;
  readonly #orders: Orders;
  readonly #notify: DeskOptions['notify'];
  readonly #onChange: DeskOptions['onChange'];

  constructor({ journal, clock, random, orders, notify, onChange }: DeskOptions) {
    this.#orders = orders;
    this.book = new Complaints({ journal, clock, random: random.fork('complaints') });
    this.images = new ComplaintImages({ journal, random: random.fork('images') });
    this.#urls = new Collection<string>(journal, 'complaint_url');
    this.#notify = notify;
    this.#onChange = onChange;
  }

  /** The customer complains about an order. @throws ControlError 400, 404, or 409 when it is not paid. */
  complain(request: ComplaintRequest): ComplaintView {
    const { out_trade_no: number, mchid, ...body } = parse(complaintRequest, request);
    const order = mchid ? this.#orders.find(mchid, number) : this.#orders.findByNumber(number);
    if (!order) throw new ControlError(404, `no order ${number}`);
    const terms: ComplaintTerms = {
      problemType: body.problem_type,
      problemDescription: body.problem_description,
      detail: body.complaint_detail,
      applyRefundAmount: body.apply_refund_amount,
      payerPhone: body.payer_phone,
      images: this.#keep(order.mchid, body.images),
      tags: body.user_tags,
      serviceOrders: body.service_orders,
      additionalInfo: body.additional_info,
      inPlatformService: body.in_platform_service,
      needImmediateService: body.need_immediate_service,
      isAgentMode: body.is_agent_mode,
    };
    const complaint = this.book.create(order, terms);
    this.#tell(complaint, 'create');
    return complaintView(complaint);
  }

  /** What the customer does next. @throws ControlError 400, 404, or 409 when the state does not allow it. */
  consumerActs(complaintId: string, named: ConsumerAction, request: unknown = {}): ComplaintView {
    const { details, images: sent } = parse(consumerStatement, request);
    const complaint = this.#known(complaintId);
    const action = CONSUMER_ACTIONS[named];
    if (!this.book.allows(complaint, action)) {
      throw new ControlError(
        409,
        `complaint ${complaintId} is ${complaint.state}: the customer cannot ${named}`,
      );
    }
    if (action === 'continue') {
      complaint.times += 1;
      delete complaint.decision;
    }
    this.book.act(complaint, action, { details, images: this.#keep(complaint.mchid, sent) });
    this.#tell(complaint, action);
    return complaintView(complaint);
  }

  /** A refund arrived: complaints about its order are told, and settled where the customer now has what was asked for. */
  refunded(order: Order, refunds: Refund[]): void {
    const arrived = refunds.filter(({ status }) => status === 'SUCCESS');
    const sum = (some: Refund[]) => some.reduce((total, { refund }) => total + refund, 0);
    const full = sum(arrived) >= order.total;
    for (const complaint of this.book.about(order)) {
      const { createdAt, applyRefundAmount = Number.POSITIVE_INFINITY } = complaint;
      complaint.fullRefunded = full;
      this.book.act(complaint, full ? 'full_refund' : 'partial_refund');
      const since = arrived.filter(({ finishedAt = 0 }) => finishedAt >= createdAt);
      if (sum(since) >= applyRefundAmount) this.book.act(complaint, 'refund_received');
      this.#tell(complaint, 'refund_received');
    }
  }

  /** Where a merchant hears of complaints; one address for a merchant number. */
  url(mchid: string): string | undefined {
    return this.#urls.get(mchid);
  }

  /** @throws GatewayError 400 RESOURCE_ALREADY_EXISTS */
  createUrl(mchid: string, url: string): void {
    if (this.url(mchid)) throw new GatewayError(400, 'RESOURCE_ALREADY_EXISTS', '通知回调已存在');
    this.#urls.put(mchid, url);
  }

  /** @throws GatewayError 400 RESOURCE_NOT_EXISTS */
  updateUrl(mchid: string, url: string): void {
    this.existingUrl(mchid);
    this.#urls.put(mchid, url);
  }

  /** @throws GatewayError 400 RESOURCE_NOT_EXISTS */
  deleteUrl(mchid: string): void {
    this.existingUrl(mchid);
    this.#urls.delete(mchid);
  }

  /** @throws GatewayError 400 RESOURCE_NOT_EXISTS, as the official page of the query has it */
  existingUrl(mchid: string): string {
    const url = this.url(mchid);
    if (url) return url;
    throw new GatewayError(400, 'RESOURCE_NOT_EXISTS', '查询的通知回调不存在');
  }

  /** Newest first. */
  views(limit = DEFAULT_LIMIT): ComplaintView[] {
    return this.book.newest(limit).map(complaintView);
  }

  /** @throws ControlError 404 */
  view(complaintId: string): ComplaintView {
    return complaintView(this.#known(complaintId));
  }

  clear(): void {
    this.book.clear();
    this.images.clear();
    this.#urls.clear();
  }

  /** Notifies the merchant, and the service provider who hears of all its sub-merchants' complaints. */
  #tell(complaint: Complaint, action: ComplaintAction): void {
    const { complaintId, outTradeNo } = complaint;
    const rule = COMPLAINT_ACTIONS[action];
    if ('notifiedAs' in rule) {
      for (const mchid of new Set([complaint.mchid, complaint.complaintedMchid])) {
        this.#notify(
          { mchid, outTradeNo, complaintId, notifyUrl: this.url(mchid) },
          {
            eventType: action === 'create' ? 'COMPLAINT.CREATE' : 'COMPLAINT.STATE_CHANGE',
            originalType: 'complaint',
            plaintext: { complaint_id: complaintId, action_type: rule.notifiedAs },
          },
        );
      }
    }
    this.#onChange(complaintView(complaint));
  }

  #keep(mchid: string, files: string[]): string[] {
    return files.map((file) => {
      const mediaId = this.images.add(mchid, Buffer.from(file, 'base64'));
      if (!mediaId) throw new ControlError(400, 'images are JPEG, PNG or BMP, in base64');
      return mediaId;
    });
  }

  #known(complaintId: string): Complaint {
    const complaint = this.book.find(complaintId);
    if (!complaint) throw new ControlError(404, `no complaint ${complaintId}`);
    return complaint;
  }
}

interface DeskOptions {
  journal: Journal;
  random: SeededRandom;
  clock: () => number;
  orders: Orders;
  notify: (
    about: { mchid: string; outTradeNo: string; complaintId: string; notifyUrl: string | undefined },
    notice: Notice,
  ) => void;
  onChange: (complaint: ComplaintView) => void;
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}
