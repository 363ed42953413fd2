import type { ServerResponse } from 'node:http';
import type { FireFaults } from './faults/book.ts';
import { type FaultKind, type FaultRule, isBillFault, isRace, type Subject } from './faults/fault.ts';
import type { Gateway } from './gateway.ts';
import type { Order } from './orders/order.ts';
import type { Excess } from './rate-limit.ts';

const SLOW_MS = 2000;
const HOLD_MS = 60_000;

/** A request that passed its checks, and how its protocol answers. */
export interface Carried<Answer> {
  /** The endpoint, as faults name it. */
  name: string;
  subject: Subject;
  /** The order whose payment can race with the request; the subject's unless told. */
  order?: Order | undefined;
  /** Takes effect; a business refusal is an answer too. */
  run(lagging: boolean, fireFaults: FireFaults): Promise<Answer>;
  isRefusal(answer: Answer): boolean;
  /** The answer of a gateway that did not do (or says that it did not do) what it was asked; undefined for faults that leave the answer. */
  instead(fault: FaultRule): Answer | undefined;
  /** The answer to one call too many. */
  tooMany(excess: Excess): Answer;
  /** Sends the answer, spoilt as the fault says. */
  send(answer: Answer, fault: FaultRule | undefined): Promise<void>;
}

/** What every request of v3 and v2 goes through once it is understood: limits, races, the operation itself, and whatever goes wrong. */
export async function carryOut<Answer>(
  gateway: Gateway,
  response: ServerResponse,
  request: Carried<Answer>,
): Promise<void> {
  const { name, subject } = request;
  const order = request.order ?? (subject.mchid ? gateway.findOrder(subject.mchid, subject) : undefined);
  const race = gateway.fireFault(name, subject, (kind, rule) => fitsRace(kind, rule, order, gateway.clock()));
  const fault = gateway.fireFault(name, subject, (kind) => !isRace(kind) && !isBillFault(kind));

  if (race?.kind === 'pay_before') payNow(gateway, order);
  if (fault?.kind === 'timeout_before') {
    hold(gateway, response, fault);
    return;
  }
  let answer = fault && request.instead(fault);
  if (!answer || fault?.processed) {
    const result = await takeEffect(gateway, request, order, race?.kind === 'notpay_lag');
    answer ??= result;
  }
  const reply = answer;
  if (fault?.kind === 'timeout_after') hold(gateway, response, fault);
  else if (fault?.kind === 'reset_after') reset(response);
  else if (fault?.delay_ms !== undefined || fault?.kind === 'slow') {
    gateway.timers.after(fault.delay_ms ?? SLOW_MS, () => void request.send(reply, fault));
  } else await request.send(reply, fault);
  if (race?.kind === 'pay_after') payNow(gateway, order);
}

async function takeEffect<Answer>(
  { rateLimits, faultBook }: Gateway,
  { name, subject, run, isRefusal, tooMany }: Carried<Answer>,
  order: Order | undefined,
  lagging: boolean,
): Promise<Answer> {
  const excess = rateLimits.excess(name, subject, order);
  if (excess) return tooMany(excess);
  const answer = await run(lagging, (fits) => faultBook.fireAll(name, subject, fits));
  if (isRefusal(answer)) rateLimits.failed(name, subject);
  return answer;
}

/** A race needs an order that can take part in it; until then the rule waits. */
function fitsRace(kind: FaultKind, { lag_ms }: FaultRule, order: Order | undefined, now: number): boolean {
  if (!order || !isRace(kind)) return false;
  const { state, paidAt = 0 } = order;
  if (kind !== 'notpay_lag') return state === 'NOTPAY' || state === 'USERPAYING';
  return (state === 'SUCCESS' || state === 'REFUND') && (lag_ms === undefined || now < paidAt + lag_ms);
}

/** The money lands, also on an order that the request has just closed; unless the request itself has settled it. */
function payNow(gateway: Gateway, order: Order | undefined): void {
  if (order?.state === 'NOTPAY' || order?.state === 'USERPAYING' || order?.state === 'CLOSED') {
    gateway.payOrder(order, { late: true });
  }
}

/** No answer: the client sees nothing until its own time-out, or ours ends the connection. */
function hold(gateway: Gateway, response: ServerResponse, fault: FaultRule): void {
  gateway.timers.after(fault.delay_ms ?? HOLD_MS, () => response.destroy());
}

/** Resets a connection; TLS can only be ended. */
export function reset({ socket }: ServerResponse): void {
  if (socket && 'encrypted' in socket) socket.destroy();
  else socket?.resetAndDestroy();
}

/** Sends what headers announced in full only by half, and resets the connection; an answer without a body does not come at all. */
export async function breakOff(
  response: ServerResponse,
  content: string | Buffer | AsyncIterable<Buffer>,
): Promise<void> {
  const bytes =
    typeof content === 'string' || Buffer.isBuffer(content) ? Buffer.from(content) : await first(content);
  if (bytes.length === 0) reset(response);
  else response.write(bytes.subarray(0, bytes.length / 2), () => reset(response));
}

async function first(content: AsyncIterable<Buffer>): Promise<Buffer> {
  for await (const chunk of content) return chunk;
  return Buffer.alloc(0);
}
