/** Hosts of WeChat Pay: who redirects them to the simulator still sees https addresses on them. */
const OFFICIAL_HOST = /\.(?:mch\.weixin\.qq\.com|wechatpay\.cn)(?::\d+)?$/;

/** An address that the gateway gives out: on the host that it was called by, and the way it was called. */
export function publicUrl({ host, secure }: { host: string; secure: boolean }, path: string): string {
  return `${secure || OFFICIAL_HOST.test(host) ? 'https' : 'http'}://${host}${path}`;
}
