import { randomUUID } from 'node:crypto';
import type { EventType } from '../domain/events.ts';
import { publicId } from '../domain/identity.ts';
import type { Queryable } from './pool.ts';

/** An event as it is written to the outbox. */
export interface NewEvent {
  tenantId: string;
  type: EventType;
  /** Of a payment or its refund; else of a combined payment. */
  paymentId?: string;
  combinedId?: string;
  refundId?: string;
  latePaymentId?: string;
  /** Of what the event is about, after the change: the refund or the late money where one is named, else the payment or combined payment. */
  version: number;
  /** What receivers will see; nothing private. */
  data: Record<string, unknown>;
}

/** Appends an event. Call it in the transaction of the change it tells of, or the outbox lies. */
export async function appendEvent(db: Queryable, event: NewEvent): Promise<void> {
  await db.query(
    `insert into events (id, tenant_id, type, payment_id, combined_id, refund_id, version, data, late_payment_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      publicId('evt', randomUUID()),
      event.tenantId,
      event.type,
      event.paymentId ?? null,
      event.combinedId ?? null,
      event.refundId ?? null,
      event.version,
      JSON.stringify(event.data),
      event.latePaymentId ?? null,
    ],
  );
}

/** Types of the events of a payment and its refunds, oldest first. */
export async function listEventTypes(db: Queryable, paymentId: string): Promise<EventType[]> {
  const { rows } = await db.query<{ type: EventType }>(
    'select type from events where payment_id = $1 order by sequence',
    [paymentId],
  );
  return rows.map((row) => row.type);
}

/** The events of a payment and its refunds, or of a combined payment, oldest first. */
export async function listEvents(
  db: Queryable,
  id: string,
): Promise<{ type: EventType; refundId: string | null; version: number; data: unknown; createdAt: Date }[]> {
  const { rows } = await db.query(
    `select type, refund_id "refundId", version, data, created_at "createdAt" from events
     where payment_id = $1 or combined_id = $1 order by sequence`,
    [id],
  );
  return rows;
}
