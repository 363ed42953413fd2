/** Who takes the money: a merchant for itself, or a service provider for its sub-merchants. */
export type Role = 'merchant' | 'partner';

/** The sub-merchant that a service provider acts for. */
export interface SubMerchant {
  sub_mchid: string;
}

/** The last parameters of a call: service providers say for whom it is. */
export type For<R extends Role> = R extends 'partner' ? [of: SubMerchant] : [];

/** What a service provider adds to an order. */
export interface SubOrderer extends SubMerchant {
  /** Its own appid, where the payer is known by `sub_openid`. */
  sub_appid?: string;
}

/** How a client names itself to the gateway. */
export class Identity<R extends Role> {
  readonly role: R;
  readonly mchid: string;
  readonly appid: string;

  constructor(role: R, { mchid, appid }: { mchid: string; appid: string }) {
    this.role = role;
    this.mchid = mchid;
    this.appid = appid;
  }

  /** The fields of a new order. */
  orderer(): Record<string, string> {
    const { appid, mchid } = this;
    return this.role === 'partner' ? { sp_appid: appid, sp_mchid: mchid } : { appid, mchid };
  }

  /** The fields that say whose order it is. */
  owner(...[of]: For<R> | [SubMerchant]): Record<string, string> {
    const { mchid } = this;
    return this.role === 'partner' ? { sp_mchid: mchid, sub_mchid: of?.sub_mchid ?? '' } : { mchid };
  }

  /** The field that says for which sub-merchant a call is, where the gateway knows the service provider by the signature. */
  sub(...[of]: For<R> | [SubMerchant]): { sub_mchid?: string } {
    return of ? { sub_mchid: of.sub_mchid } : {};
  }
}
