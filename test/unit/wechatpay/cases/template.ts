import type { Endpoint } from '../../../../wechatpay/index.ts';

/**
 * Whether a request is the call that an endpoint describes, as either role makes it: the method, and the path with one encoded segment for each
 * `{name}`; the query is not part of it.
 */
export function isCallOf(endpoint: Endpoint, request: { method: string; target: string }): boolean {
  const path = request.target.split('?')[0] ?? '';
  return (
    endpoint.method === request.method &&
    [endpoint.path, endpoint.partnerPath].some((template) => template !== undefined && fits(template, path))
  );
}

function fits(template: string, path: string): boolean {
  const expected = template.split('/');
  const segments = path.split('/');
  return (
    expected.length === segments.length &&
    expected.every((segment, at) =>
      /^\{\w+\}$/.test(segment) ? segments[at] !== '' : segment === segments[at],
    )
  );
}
