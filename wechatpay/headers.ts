/** Headers as Node, undici or a database gives them back: names in any case. */
export type Headers = Record<string, string | string[] | undefined>;

/** The value of a header that occurs exactly once and is not empty. */
export function headerValue(headers: Headers, name: string): string | undefined {
  let found: string | undefined;
  let times = 0;
  for (const [key, value] of Object.entries(headers)) {
    // The length alone tells most names apart.
    if (key.length !== name.length || key.toLowerCase() !== name || value === undefined) continue;
    const isText = typeof value === 'string';
    times += isText ? 1 : value.length;
    found = isText ? value : value[0];
  }
  return times === 1 ? found || undefined : undefined;
}
