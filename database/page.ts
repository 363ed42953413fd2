import type { Queryable } from './pool.ts';

/** Which rows of a list, newest first: those older than `after`, or the nearest ones newer than `before`; both are ids. */
export interface Page {
  limit: number;
  after?: string | undefined;
  before?: string | undefined;
}

/** A list: what is selected, the table whose rows it has (and its name in there), the column that says how new one is, and which of them. */
interface List {
  select: string;
  table: string;
  alias: string;
  time: string;
  where: string;
  /** Of `where`, from $1. */
  parameters: unknown[];
}

/**
 * Reads a page of a list. The cursor is a row's time and id, so rows that come or go meanwhile neither repeat nor hide others.
 * @returns undefined when the row that the page starts from is not in the list.
 */
export async function selectPage<Row extends object>(
  db: Queryable,
  { select, table, alias, time, where, parameters }: List,
  { limit, after, before }: Page,
): Promise<Row[] | undefined> {
  const newestFirst = before === undefined;
  const direction = newestFirst ? 'desc' : 'asc';
  const order = `order by ${alias}.${time} ${direction}, ${alias}.id ${direction}`;
  const cursor = before ?? after;
  const next = parameters.length + 1;
  if (cursor === undefined) {
    const { rows } = await db.query<Row>(`${select} where ${where} ${order} limit $${next}`, [
      ...parameters,
      limit,
    ]);
    return rows;
  }
  const { rowCount } = await db.query(`${select} where ${where} and ${alias}.id = $${next}`, [
    ...parameters,
    cursor,
  ]);
  if (rowCount === 0) return undefined;
  const { rows } = await db.query<Row>(
    `${select} where ${where} and (${alias}.${time}, ${alias}.id) ${newestFirst ? '<' : '>'}
       (select ${time}, id from ${table} where id = $${next}) ${order} limit $${next + 1}`,
    [...parameters, cursor, limit],
  );
  return newestFirst ? rows : rows.reverse();
}
