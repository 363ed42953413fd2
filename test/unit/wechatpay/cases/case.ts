/** One call of the client as a row of a table: what the user writes, what must arrive, what the user gets. */
export interface EndpointCase<Client> {
  /** Name of the endpoint in the tables, `complaints.get`. */
  call: string;
  /** What the case shows, as behaviour. */
  name: string;
  /** What the user writes. */
  run: (pay: Client) => Promise<unknown>;
  /** What must arrive. */
  method: string;
  /** Path with query, encoded. */
  target: string;
  /** The JSON body that must arrive; undefined for none. */
  body?: unknown;
  /** What the gateway answers. */
  status: number;
  answer?: unknown;
  /** What the user gets; default: the answer. */
  result?: unknown;
}
