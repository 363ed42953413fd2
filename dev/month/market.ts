import type { Client } from '@temporalio/client';
import { loadPayment, type Payment } from '../../database/payments.ts';
import type { Pool } from '../../database/pool.ts';
import type { BillDate } from '../../domain/bill-day.ts';
import { isCharged } from '../../domain/product.ts';
import type { Merchants } from '../../gateway/merchants.ts';
import type { PaymentGateway } from '../../gateway/payment-gateway.ts';
import type { MerchantBackend, Resource } from '../tour/merchant-backend.ts';
import { orderFields, type Shop, type Way } from './shop.ts';
import type { Expected, Truth } from './truth.ts';

/** A payment, with the line that its day must have. */
export interface Sold {
  shop: Shop;
  date: BillDate;
  id: string;
  number: string;
  fen: number;
  line: Expected;
}

/** A refund, likewise. */
export interface GivenBack {
  id: string;
  number: string;
  line: Expected;
}

/** What is ordered. */
export interface Sale {
  number: string;
  fen: number;
  way?: Way;
  coupon?: { amount: number; type: 'CASH' | 'NOCASH' } | undefined;
}

/** What the month reaches the service, its database and the gateway by. */
export interface Doors {
  backend: MerchantBackend;
  pool: Pool;
  client: Client;
  /** WeChat Pay as the shops: what happens there without the service. */
  merchants: Merchants;
  publicUrl: string;
}

/** Shops and their customers, on a clock that the month moves. Whatever is sold is written down. */
export class Market {
  readonly doors: Doors;
  readonly truth: Truth;

  constructor(doors: Doors, truth: Truth) {
    this.doors = doors;
    this.truth = truth;
  }

  /** Moves the simulator's clock forward. */
  async at(date: BillDate, time: string): Promise<void> {
    await this.doors.backend.simulator('POST', '/clock', { set: `${date}T${time}+08:00` });
  }

  /** Orders and pays. @returns one payment, or the two of a combined one. */
  async sell(shop: Shop, date: BillDate, sale: Sale): Promise<Sold[]> {
    const { way = 'NATIVE', fen, number } = sale;
    if (way === 'COMBINED') return await this.#sellCombined(shop, date, sale);
    const order = await this.order(shop, sale);
    // Whoever was killed while it was charged does not charge it again: it is taken back, and the customer shows another code.
    if (order.status === 'CLOSED') return await this.sell(shop, date, { ...sale, number: `${number}x` });
    if (!isCharged(way)) await this.pay(number, sale.coupon && { coupon: sale.coupon });
    await this.doors.backend.until(`/payments/${order.id}`, 'PAID');
    return [
      {
        shop,
        date,
        id: order.id,
        number,
        fen,
        line: this.truth.expect(shop, date, number, 'matched agreed'),
      },
    ];
  }

  /** One payment that customers make by their phones. */
  async sellOne(shop: Shop, date: BillDate, sale: Sale): Promise<Sold> {
    const [sold] = await this.sell(shop, date, sale);
    if (!sold) throw new Error('nothing was sold');
    return sold;
  }

  /** Orders only, and waits until it has one of the statuses. */
  async order(shop: Shop, { number, fen, way = 'NATIVE' }: Sale, statuses?: string[]): Promise<Resource> {
    if (way === 'COMBINED') throw new Error('a combined payment is sold, or not ordered at all');
    const path = '/payments';
    const { id } = await this.doors.backend.post(path, {
      ...orderFields(shop, way),
      out_trade_no: number,
      description: 'Tea set',
      amount: { total: fen },
    });
    const asked = statuses ?? (isCharged(way) ? ['PAID', 'CLOSED'] : ['PENDING']);
    return await this.doors.backend.until(`${path}/${id}`, ...asked);
  }

  async #sellCombined(shop: Shop, date: BillDate, { number, fen }: Sale): Promise<Sold[]> {
    const { backend } = this.doors;
    const parts = ['A', 'B'].map((letter) => ({ number: `${number}${letter}`, fen }));
    const combined = await backend.post('/combined-payments', {
      merchant_id: shop.merchantId,
      combine_out_trade_no: number,
      sub_orders: parts.map((part) => ({
        description: 'Parcel',
        attach: 'parcel',
        out_trade_no: part.number,
        amount: { total: fen },
      })),
    });
    const path = `/combined-payments/${combined.id}`;
    await backend.until(path, 'PENDING');
    await this.pay(`${number}A`);
    const paid = (await backend.until(path, 'PAID')) as Resource & { sub_payments: Resource[] };
    return paid.sub_payments.map(({ id, out_trade_no }) => ({
      ...{ shop, date, id, fen, number: out_trade_no },
      line: this.truth.expect(shop, date, out_trade_no, 'matched agreed'),
    }));
  }

  /** The customer pays. */
  async pay(number: string, more: object = {}): Promise<void> {
    await this.doors.backend.simulator('POST', `/orders/${number}/pay`, more);
  }

  /** Gives a part back. @param stuck leaves it on its way, until it is finished by {@link finish} */
  async giveBack(sold: Sold, fen: number, number: string, { stuck = false } = {}): Promise<GivenBack> {
    if (stuck) await this.fault({ operation: 'refund', kind: 'stuck', out_refund_no: number });
    const { id } = await this.askBack(sold, fen, number);
    await this.doors.backend.until(`/refunds/${id}`, 'PROCESSING', 'SUCCEEDED');
    const line = this.truth.expect(sold.shop, sold.date, number, 'matched refunded');
    if (!stuck) {
      await this.finish(number, 'SUCCESS').catch(() => {});
      await this.doors.backend.until(`/refunds/${id}`, 'SUCCEEDED');
    }
    return { id, number, line };
  }

  /** Asks for a refund, and waits for nothing. */
  async askBack({ id }: Sold, fen: number, number: string): Promise<Resource> {
    return await this.doors.backend.post(`/payments/${id}/refunds`, {
      out_refund_no: number,
      amount: { refund: fen },
    });
  }

  /** How a refund ends at WeChat Pay. */
  async finish(number: string, status: 'SUCCESS' | 'CLOSED'): Promise<void> {
    await this.doors.backend.simulator('POST', `/refunds/${number}/finish`, { status });
  }

  /** Something goes wrong at the gateway from now on. @returns how to mend it. */
  async fault(rule: Record<string, unknown>): Promise<() => Promise<void>> {
    const { backend } = this.doors;
    const { id } = await backend.simulator<{ id: string }>('POST', '/faults', rule);
    return () => backend.simulator('DELETE', `/faults/${id}`);
  }

  /** Nobody is told about an order. */
  async silence(number: string): Promise<() => Promise<void>> {
    return await this.fault({ operation: 'notification', kind: 'drop', out_trade_no: number, times: null });
  }

  /** The row of a payment, from which another system of the shop makes its own orders. */
  async row({ id }: Sold): Promise<Payment> {
    const row = await loadPayment(this.doors.pool, id);
    if (!row) throw new Error(`there is no payment ${id}`);
    return row;
  }

  /** WeChat Pay as a shop, without the service. */
  async gateway(of: Payment): Promise<PaymentGateway> {
    return await this.doors.merchants.for(of);
  }
}
