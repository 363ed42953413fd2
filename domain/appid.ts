import { PRODUCT_NAMES, type Product } from './product.ts';

/** An appid of a merchant's besides its first one: it may have a mini program, an official account and an app. */
export interface OtherAppid {
  appid: string;
  /** Whose orders name it unless told otherwise. */
  products: Product[];
}

/** Whose appids there are to choose from. */
export interface AppidOwner {
  /** Of the products that no other appid has. */
  appid: string;
  otherAppids: OtherAppid[];
}

/** The appids of a merchant, its first one first. */
export function appidsOf({ appid, otherAppids }: AppidOwner): string[] {
  return [appid, ...otherAppids.map((other) => other.appid)];
}

/** The appid that an order of this product names unless told otherwise. */
export function appidFor({ appid, otherAppids }: AppidOwner, product: Product): string {
  return otherAppids.find(({ products }) => products.includes(product))?.appid ?? appid;
}

/**
 * Reads the appids besides the first one, as people write them: `[{"appid": "wx…", "products": ["MINI_PROGRAM"]}]`, products optional.
 * @throws Error that says what is wrong.
 */
export function readOtherAppids(value: unknown, first: string): OtherAppid[] {
  if (!Array.isArray(value)) throw new Error('other_appids must be a list of {"appid", "products"}');
  const seen = new Set<string>([first]);
  return value.map((entry: { appid?: unknown; products?: unknown } | null) => {
    const { appid, products = [] } = entry ?? {};
    if (typeof appid !== 'string' || !/^[0-9A-Za-z_-]{1,32}$/.test(appid))
      throw new Error('an entry of other_appids has no appid');
    if (!Array.isArray(products)) throw new Error(`products of ${appid} must be a list`);
    const known = products.map((name: unknown) => PRODUCT_NAMES.find((product) => product === name));
    if (known.includes(undefined))
      throw new Error(`products of ${appid} must be some of ${PRODUCT_NAMES.join(', ')}`);
    for (const name of [appid, ...products]) {
      if (seen.has(name)) throw new Error(`${name} is in other_appids twice, or is the first appid`);
      seen.add(name);
    }
    return { appid, products: known as Product[] };
  });
}
