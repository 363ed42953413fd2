import { ControlError, GatewayError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { Order } from '../orders/order.ts';
import type { SeededRandom } from '../random.ts';
import { chinaDate } from '../time/china-time.ts';
import {
  COMPLAINT_ACTIONS,
  type ComplaintAction,
  type ComplaintRule,
  type ComplaintState,
} from './actions.ts';

/** What was said with an action. */
export interface Statement {
  details?: string | undefined;
  /** media_id of each. */
  images?: string[] | undefined;
  /** The message of an immediate response, as it was sent. */
  message?: unknown;
}

/** One step of the negotiation. */
export interface HistoryEntry extends Statement {
  logId: string;
  /** Milliseconds. */
  time: number;
  operator: string;
  operateType: string;
}

/** What a customer complains about, told by whoever plays the customer. */
export interface ComplaintTerms {
  problemType: 'REFUND' | 'SERVICE_NOT_WORK' | 'OTHERS';
  problemDescription: string;
  detail: string;
  /** What the customer wants back, in the smallest unit of the currency. */
  applyRefundAmount?: number | undefined;
  payerPhone?: string | undefined;
  /** media_id of each. */
  images: string[];
  tags: ('TRUSTED' | 'HIGH_RISK')[];
  serviceOrders: { order_id: string; out_order_no: string; state: string }[];
  additionalInfo?: unknown;
  inPlatformService: boolean;
  needImmediateService: boolean;
  isAgentMode: boolean;
}

/** A complaint as the gateway keeps it. Times are milliseconds. */
export interface Complaint extends ComplaintTerms {
  complaintId: string;
  /** Who signs for the order: a merchant, or the service provider of the next. */
  mchid: string;
  complaintedMchid: string;
  outTradeNo: string;
  transactionId: string;
  /** Of the order. */
  amount: number;
  payerOpenid: string;
  payerPhone: string;
  createdAt: number;
  state: ComplaintState;
  /** How often this customer complained about the order. */
  times: number;
  waiting: boolean;
  fullRefunded: boolean;
  /** What the merchant decided about the refund. */
  decision?: 'APPROVE' | 'REJECT';
  history: HistoryEntry[];
  /** log_id of immediate responses by their idempotent_id. */
  immediate: Record<string, string>;
}

/** Complaints and their rules. */
export class Complaints {
  readonly #complaints: Collection<Complaint>;
  readonly #random: SeededRandom;
  readonly #clock: () => number;

  constructor(options: { journal: Journal; random: SeededRandom; clock: () => number }) {
    this.#complaints = new Collection<Complaint>(options.journal, 'complaint');
    this.#random = options.random;
    this.#clock = options.clock;
  }

  /** The customer complains. @throws ControlError 409 about an order that is not paid. */
  create(order: Order, terms: ComplaintTerms): Complaint {
    const { transactionId } = order;
    if (!transactionId) throw new ControlError(409, `order ${order.outTradeNo} is not paid`);
    const now = this.#clock();
    const earlier = this.about(order).length;
    const complaint: Complaint = {
      ...terms,
      complaintId: `2002018${chinaDate(now)}${this.#random.digits(12)}`,
      mchid: order.mchid,
      complaintedMchid: order.subMchid ?? order.mchid,
      outTradeNo: order.outTradeNo,
      transactionId,
      amount: order.total,
      applyRefundAmount:
        terms.problemType === 'REFUND' ? (terms.applyRefundAmount ?? order.total) : undefined,
      payerOpenid: order.openid ?? order.subOpenid ?? '',
      payerPhone: terms.payerPhone ?? `138${this.#random.digits(8)}`,
      createdAt: now,
      state: 'PENDING',
      times: earlier + 1,
      waiting: true,
      fullRefunded: false,
      history: [],
      immediate: {},
    };
    this.act(complaint, 'create', { details: terms.detail, images: terms.images });
    return complaint;
  }

  find(complaintId: string): Complaint | undefined {
    return this.#complaints.get(complaintId);
  }

  /** Those that a merchant may see, newest first: its own, and of a service provider those of all its sub-merchants. */
  visibleTo(mchid: string): Complaint[] {
    return this.newest(this.size).filter((complaint) => concerns(complaint, mchid));
  }

  /** The complaints about an order, oldest first. */
  about({ mchid, outTradeNo }: { mchid: string; outTradeNo: string }): Complaint[] {
    return [...this.#complaints.values()].filter(
      (complaint) => complaint.mchid === mchid && complaint.outTradeNo === outTradeNo,
    );
  }

  newest(limit: number): Complaint[] {
    return this.#complaints.newest(limit);
  }

  get size(): number {
    return this.#complaints.size;
  }

  /** Whether the state of a complaint allows an action. */
  allows({ state }: Complaint, action: ComplaintAction): boolean {
    const { moves }: ComplaintRule = COMPLAINT_ACTIONS[action];
    return moves[state] !== undefined;
  }

  /** Does an action that the state allows, and writes it down. */
  act(complaint: Complaint, action: ComplaintAction, statement: Statement = {}): HistoryEntry {
    const { operator, operateType, moves, waiting }: ComplaintRule = COMPLAINT_ACTIONS[action];
    const entry: HistoryEntry = {
      ...statement,
      logId: `3002${chinaDate(this.#clock())}${this.#random.digits(14)}`,
      time: this.#clock(),
      operator,
      operateType,
    };
    complaint.state = moves[complaint.state] ?? complaint.state;
    complaint.waiting = waiting ?? complaint.waiting;
    complaint.history.push(entry);
    this.save(complaint);
    return entry;
  }

  /** The merchant does something. @throws GatewayError 400 INVALID_REQUEST when it is not its turn. */
  merchantActs(complaint: Complaint, action: ComplaintAction, statement: Statement = {}): HistoryEntry {
    if (!this.allows(complaint, action)) throw wrongState();
    return this.act(complaint, action, statement);
  }

  /**
   * The merchant says what becomes of the refund: once, and only where one was asked for.
   * @throws GatewayError 400 INVALID_REQUEST
   */
  decide(complaint: Complaint, decision: 'APPROVE' | 'REJECT', statement: Statement): void {
    if (complaint.problemType !== 'REFUND' || complaint.decision || complaint.fullRefunded)
      throw wrongState();
    this.merchantActs(complaint, decision === 'APPROVE' ? 'approve' : 'reject', statement);
    complaint.decision = decision;
    this.save(complaint);
  }

  /**
   * The merchant writes to a customer who waits in the chat; the same id is said once. Returns the log_id.
   * @throws GatewayError 400 INVALID_REQUEST when nobody waits, or when it is not its turn.
   */
  respondImmediately(complaint: Complaint, id: string, message: unknown): string {
    const said = Object.hasOwn(complaint.immediate, id) ? complaint.immediate[id] : undefined;
    if (said) return said;
    if (!complaint.needImmediateService) {
      throw new GatewayError(400, 'INVALID_REQUEST', '该投诉单不需要即时服务');
    }
    const { logId } = this.merchantActs(complaint, 'respond', { message });
    complaint.immediate = { ...complaint.immediate, [id]: logId };
    this.save(complaint);
    return logId;
  }

  clear(): void {
    this.#complaints.clear();
  }

  /** Stores a complaint that was changed. */
  save(complaint: Complaint): void {
    this.#complaints.put(complaint.complaintId, complaint);
  }
}

/** Whether a merchant has to do with a complaint. */
export function concerns(complaint: Complaint, mchid: string): boolean {
  return complaint.mchid === mchid || complaint.complaintedMchid === mchid;
}

/** As the gateway words it when a call is repeated or comes too late (official page 4016111688). */
function wrongState(): GatewayError {
  return new GatewayError(400, 'INVALID_REQUEST', '当前单据状态不支持操作，请检查是否重复调用');
}
