import type { Queryable } from './pool.ts';

/** Which part of a list, by the id of the last one seen: a row that comes or goes meanwhile shifts nothing. */
export interface Page {
  limit: number;
  /** Older than this one. */
  startingAfter?: string | undefined;
  /** Newer than this one. */
  endingBefore?: string | undefined;
}

/** A part of a list, newest first, and whether there is more in its direction. */
export interface PageOf<Row> {
  rows: Row[];
  hasMore: boolean;
}

/** What is listed. Names of columns are the code's own, never a caller's. */
export interface Listed {
  /** Reads rows whole, the table under its alias among others: `select … from …`. */
  select: string;
  table: string;
  alias: string;
  /** The column that says which is newer; of two in the same instant the id does. */
  time: string;
  /** Whose list it is: columns of the table, undefined for any. A cursor must be one of it. */
  scope: Record<string, unknown>;
  /** Which of them; columns of the table, undefined for any. */
  filter?: Record<string, unknown>;
  /** One more condition, written out as the index for it is a partial one. */
  where?: string | undefined;
}

/**
 * A page of a list.
 * @returns undefined when the cursor is none of the list's.
 */
export async function readPage<Row extends object>(
  db: Queryable,
  { select, table, alias, time, scope, filter = {}, where }: Listed,
  { limit, startingAfter, endingBefore }: Page,
): Promise<PageOf<Row> | undefined> {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const equal = (columns: Record<string, unknown>) =>
    Object.entries(columns)
      .filter(([, wanted]) => wanted !== undefined)
      .map(([column, wanted]) => `${alias}.${column} = ${value(wanted)}`);
  const conditions = equal(scope);
  const cursor = endingBefore ?? startingAfter;
  if (cursor !== undefined) {
    const at = `${alias}.id = ${value(cursor)}`;
    const known = [...conditions, at].join(' and ');
    const { rows } = await db.query(`select 1 from ${table} ${alias} where ${known}`, values);
    if (rows.length === 0) return undefined;
    const beyond = endingBefore === undefined ? '<' : '>';
    conditions.push(
      `(${alias}.${time}, ${alias}.id) ${beyond} (select ${time}, id from ${table} where id = $${values.length})`,
    );
  }
  conditions.push(...equal(filter), ...(where === undefined ? [] : [where]));
  const order = endingBefore === undefined ? 'desc' : 'asc';
  const { rows } = await db.query<Row>(
    `${select} ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
     order by ${alias}.${time} ${order}, ${alias}.id ${order} limit ${value(limit + 1)}`,
    values,
  );
  const page = rows.slice(0, limit);
  return { rows: endingBefore === undefined ? page : page.reverse(), hasMore: rows.length > limit };
}
