import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { Pool } from '../database/pool.ts';
import type { ExportFile } from '../exports/file.ts';
import { Problem } from './problems.ts';

/** Sends files that are made while they are sent. */
export interface Downloads {
  /**
   * @param open makes the file; it is not called when there are too many already.
   * @throws Problem `temporarily_unavailable` then, and whatever keeps the file from beginning. One that breaks later is cut off.
   */
  send(response: Response, open: () => ExportFile): Promise<void>;
}

/** A download holds a connection for as long as its client takes, so that only a third of the pool's are lent to them. */
export function limitDownloads(pool: Pool): Downloads {
  const limit = Math.max(1, Math.floor((pool.options.max ?? 10) / 3));
  let open = 0;
  return {
    async send(response, file) {
      if (open >= limit) {
        throw new Problem(
          'temporarily_unavailable',
          'Other files are being taken from this process: repeat the request in a moment.',
          { headers: { 'retry-after': '5' } },
        );
      }
      open += 1;
      try {
        const { name, contentType, body } = file();
        // Until there is something to send, what goes wrong can still be answered.
        await once(body, 'readable');
        response.set('content-type', contentType);
        response.set('content-disposition', `attachment; filename="${name}"`);
        await pipeline(body, response);
      } catch (error) {
        // The client has gone away: nobody is left to be told.
        if (!isGone(error)) throw error;
      } finally {
        open -= 1;
      }
    },
  };
}

function isGone(error: unknown): boolean {
  return (error as { code?: string }).code === 'ERR_STREAM_PREMATURE_CLOSE';
}
