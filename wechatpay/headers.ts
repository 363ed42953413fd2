/** Headers as Node, undici or a database gives them back: names in any case. */
export type Headers = Record<string, string | string[] | undefined>;

/** The value of a header that occurs exactly once and is not empty. */
export function headerValue(headers: Headers, name: string): string | undefined {
  const values = Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? []);
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}
