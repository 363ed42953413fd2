import { Agent, request } from 'undici';

/** The paysaga API as the shop sees it. */
export interface PaysagaApi {
  /**
   * Sends one request and returns the resource that was answered.
   * @throws Refusal with the API's problem. An API that is away or silent is a problem of the shop's own, `api_unreachable` (503) or
   * `api_silent` (504): what became of the request is unknown, and repeating it with the same key is safe.
   */
  call<Resource>(
    method: 'GET' | 'POST',
    path: string,
    sent?: { body?: unknown; key?: string | undefined },
  ): Promise<Resource>;
  close(): Promise<void>;
}

/** A problem (RFC 9457), of the API or of the shop itself, on its way to the page. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly problem: object;

  constructor(status: number, problem: object) {
    super(`refused with ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** A refusal by the shop itself, in the form of the API's. */
export function refusal(status: number, code: string, title: string): Refusal {
  return new Refusal(status, { title, status, code, retryable: status >= 500 });
}

/** Longer than the API's own patience with its workflow (12 s), so that its 202 still arrives. */
const ANSWER_WITHIN_MS = 20_000;
const CONNECT_WITHIN_MS = 3_000;

/** Opens connections to the API. The key stays in this process; the browser never sees it. */
export function openPaysagaApi({ apiUrl, apiKey }: { apiUrl: string; apiKey: string }): PaysagaApi {
  const dispatcher = new Agent({ connect: { timeout: CONNECT_WITHIN_MS } });

  async function send(...[method, path, sent = {}]: Parameters<PaysagaApi['call']>) {
    try {
      const answer = await request(new URL(path, apiUrl), {
        dispatcher,
        method,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(sent.body !== undefined && { 'content-type': 'application/json' }),
          ...(sent.key !== undefined && { 'idempotency-key': sent.key }),
        },
        body: sent.body === undefined ? null : JSON.stringify(sent.body),
      });
      return { status: answer.statusCode, body: (await answer.body.json()) as object };
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') {
        throw refusal(504, 'api_silent', 'The payment service did not answer in time');
      }
      throw refusal(503, 'api_unreachable', 'The payment service cannot be reached');
    }
  }

  return {
    async call<Resource>(...request: Parameters<PaysagaApi['call']>) {
      const { status, body } = await send(...request);
      if (status >= 400) throw new Refusal(status, body);
      return body as Resource;
    },
    close: () => dispatcher.destroy(),
  };
}
