import type { RequestHandler, Response } from 'express';
import { type ApiKey, findApiKey } from '../database/api-keys.ts';
import type { Pool } from '../database/pool.ts';
import { Problem } from './problems.ts';

/** Lets a request pass that carries `Authorization: Bearer sk_…` of a key in use. */
export function authenticate(pool: Pool): RequestHandler {
  return async (request, response, next) => {
    const key = request.get('authorization')?.match(/^Bearer +(\S+)$/i)?.[1];
    const found = key && (await findApiKey(pool, key));
    if (!found) {
      throw new Problem('unauthorized', 'Send a valid API key as `Authorization: Bearer sk_…`.', {
        headers: { 'www-authenticate': 'Bearer' },
      });
    }
    response.locals.apiKey = found;
    next();
  };
}

/** Who is calling; only behind {@link authenticate}. */
export function caller(response: Response): ApiKey {
  return response.locals.apiKey as ApiKey;
}
