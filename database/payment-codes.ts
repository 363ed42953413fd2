import type { Queryable } from './pool.ts';
import type { Vault } from './secrets.ts';

/**
 * What customers show to be charged: payment codes, and credentials of faces. Each is kept sealed until it is sent, and is gone before that:
 * whoever takes it sends it, and nobody can send it twice.
 */

/** Where a sealed code belongs: it opens for no other payment. */
const contextOf = (paymentId: string) => `${paymentId}/code`;

/** Keeps what the customer has shown. Call it in the transaction that stores the payment. */
export async function storeCode(db: Queryable, vault: Vault, paymentId: string, code: string): Promise<void> {
  await db.query('update payments set sealed_code = $2 where id = $1', [
    paymentId,
    vault.seal(code, contextOf(paymentId)),
  ]);
}

/**
 * Takes the code to send it now. It is erased, with a note of when and under which appid it was sent.
 * @returns undefined when it was taken before, or the payment has ended.
 */
export async function takeCode(
  db: Queryable,
  vault: Vault,
  paymentId: string,
  { appid, now }: { appid: string; now: Date },
): Promise<string | undefined> {
  const { rows } = await db.query<{ sealed_code: Buffer }>(
    `with held as (
       select id, sealed_code from payments
        where id = $1 and status = 'CREATED' and sealed_code is not null for update
     )
     update payments p set sealed_code = null, code_sent_at = $2, appid = $3
       from held where p.id = held.id
     returning held.sealed_code`,
    [paymentId, now, appid],
  );
  const sealed = rows[0]?.sealed_code;
  return sealed && vault.open(sealed, contextOf(paymentId));
}

/** Erases a code that nobody has sent, so that nobody will. @returns whether that was so; otherwise it was sent. */
export async function discardCode(db: Queryable, paymentId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update payments set sealed_code = null where id = $1 and code_sent_at is null',
    [paymentId],
  );
  return rowCount === 1;
}

/**
 * Notes that a reversal is about to be sent. From then on the payment cannot become PAID: what was paid may be on its way back.
 * @returns whether it may be sent: not when the payment has ended meanwhile.
 */
export async function beginReversal(db: Queryable, paymentId: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    `update payments set reverse_sent_at = $2 where id = $1 and status in ('CREATED', 'PENDING')`,
    [paymentId, now],
  );
  return rowCount === 1;
}

/** The reversal was refused: nothing has happened, and the payment may become PAID. */
export async function withdrawReversal(db: Queryable, paymentId: string): Promise<void> {
  await db.query(
    `update payments set reverse_sent_at = null where id = $1 and status in ('CREATED', 'PENDING')`,
    [paymentId],
  );
}
