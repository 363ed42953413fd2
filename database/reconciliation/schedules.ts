import type { Queryable } from '../pool.ts';

/** What the worker saw of the schedule of a merchant's nights. */
export interface ScheduleState {
  paused: boolean;
  /** Why, in the words of whoever paused it. */
  note: string;
  nextAt: Date | undefined;
}

/** Keeps it for those who do not look at Temporal. */
export async function noteSchedule(
  db: Queryable,
  merchant: { id: string; tenantId: string },
  { paused, note, nextAt }: ScheduleState,
): Promise<void> {
  await db.query(
    `insert into reconciliation_schedules (merchant_id, tenant_id, paused, note, next_at, checked_at) values ($1, $2, $3, $4, $5, now())
     on conflict (merchant_id) do update set paused = excluded.paused, note = excluded.note, next_at = excluded.next_at, checked_at = now()`,
    [merchant.id, merchant.tenantId, paused, note, nextAt ?? null],
  );
}

/** The schedules of a tenant's merchants. */
export async function listSchedules(
  db: Queryable,
  tenantId: string,
): Promise<
  {
    merchantId: string;
    mchid: string;
    paused: boolean;
    note: string | null;
    nextAt: Date | null;
    checkedAt: Date;
  }[]
> {
  const { rows } = await db.query(
    `select s.merchant_id "merchantId", m.mchid, s.paused, s.note, s.next_at "nextAt", s.checked_at "checkedAt"
       from reconciliation_schedules s join merchants m on m.id = s.merchant_id where s.tenant_id = $1 order by m.mchid`,
    [tenantId],
  );
  return rows;
}
