import type { KeyObject } from 'node:crypto';

/** A platform certificate: one of the keys with which WeChat Pay signs for merchants that have not changed to its public key. */
export interface PlatformCertificate {
  /** 40 upper-case hexadecimal digits, as `Wechatpay-Serial` has them. */
  serialNo: string;
  /** From when on it is used, in milliseconds since 1970. */
  effectiveTime: number;
  /** Until when, in milliseconds since 1970. */
  expireTime: number;
  publicKey: KeyObject;
  pem: string;
}
