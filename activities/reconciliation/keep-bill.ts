import type { Pool } from '../../database/pool.ts';
import type { AccountDay } from '../../database/reconciliation/account.ts';
import {
  appendBytes,
  billFileReceived,
  dropBillFile,
  insertBillFile,
} from '../../database/reconciliation/files.ts';
import type { BillKind } from '../../domain/region.ts';
import type { BillPart } from './bill-desk.ts';

/** What the bytes of a bill are cut into in the database. */
const PIECE_BYTES = 512 * 1024;

/**
 * Downloads a bill and keeps it as it comes, before anybody looks into it. An address lives for five minutes and cannot be continued from the middle, so a
 * download that breaks off leaves nothing behind and begins anew.
 * @param progress is told how many bytes there are
 * @returns the file.
 */
export async function keepBill(
  pool: Pool,
  { day, kind, parts }: { day: AccountDay; kind: BillKind; parts: BillPart[] },
  progress: (bytes: number) => void,
): Promise<number> {
  const addresses = parts.map(({ said }) => said);
  const file = await insertBillFile(pool, day, kind, addresses);
  try {
    let received = 0;
    for (const [index, part] of parts.entries()) {
      let ordinal = 0;
      for await (const bytes of pieces(await part.fetch())) {
        await appendBytes(pool, file, { part: index, ordinal, bytes });
        ordinal += 1;
        received += bytes.length;
        progress(received);
      }
    }
    await billFileReceived(pool, file, received);
    return file;
  } catch (error) {
    await dropBillFile(pool, file).catch(() => {});
    throw error;
  }
}

async function* pieces(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    held.push(chunk);
    length += chunk.length;
    if (length < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(held);
}
