import { type Endpoint, endpoints } from '../endpoint.ts';

/** Where complaints are on the mainland API. */
export const MAINLAND_COMPLAINTS = '/v3/merchant-service';
/** Where they are on the overseas API. */
export const OVERSEAS_COMPLAINTS = '/v3/global/merchant-service';

/** The calls below a prefix. Limits: the frequency lines of the mainland pages. */
export function complaintCalls(prefix: string) {
  const complaints = `${prefix}/complaints-v2`;
  const address = `${prefix}/complaint-notifications`;
  const perMinute = (requests: number) => ({ rateLimit: { requests, perSeconds: 60 } });
  return {
    list: { method: 'GET', path: complaints, ...perMinute(200) },
    get: { method: 'GET', path: `${complaints}/{complaint_id}` },
    negotiationHistory: {
      method: 'GET',
      path: `${complaints}/{complaint_id}/negotiation-historys`,
      ...perMinute(200),
    },
    respond: { method: 'POST', path: `${complaints}/{complaint_id}/response`, ...perMinute(60) },
    complete: { method: 'POST', path: `${complaints}/{complaint_id}/complete`, ...perMinute(1500) },
    updateRefundProgress: { method: 'POST', path: `${complaints}/{complaint_id}/update-refund-progress` },
    respondImmediately: { method: 'POST', path: `${complaints}/{complaint_id}/response-immediate-service` },
    'notificationUrl.create': { method: 'POST', path: address },
    'notificationUrl.get': { method: 'GET', path: address },
    'notificationUrl.update': { method: 'PUT', path: address },
    'notificationUrl.delete': { method: 'DELETE', path: address },
    uploadImage: { method: 'POST', path: `${prefix}/images/upload`, ...perMinute(60) },
    downloadImage: { method: 'GET', path: `${prefix}/images/{media_id}` },
  } as const satisfies Record<string, Endpoint>;
}

/** The calls by their name in `Complaints`. */
export type ComplaintCalls = ReturnType<typeof complaintCalls>;

/** The table of a prefix, each call as `name.call`. */
export function complaintEndpoints<Name extends string>(
  prefix: string,
  name: Name,
): Record<`${Name}.${keyof ComplaintCalls}`, Endpoint> {
  const named = Object.entries(complaintCalls(prefix)).map(([call, endpoint]) => [
    `${name}.${call}`,
    endpoint,
  ]);
  return endpoints(Object.fromEntries(named) as Record<`${Name}.${keyof ComplaintCalls}`, Endpoint>);
}

/** Complaints of the mainland API. */
export const COMPLAINT_ENDPOINTS = complaintEndpoints(MAINLAND_COMPLAINTS, 'complaints');
/** Complaints of the overseas API. */
export const GLOBAL_COMPLAINT_ENDPOINTS = complaintEndpoints(OVERSEAS_COMPLAINTS, 'global.complaints');
