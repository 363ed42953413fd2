/** What people do with their phones, through the control API. */
export class Person {
  readonly #controlUrl: string;

  constructor({ controlUrl }: { controlUrl: string }) {
    this.#controlUrl = controlUrl;
  }

  async pays(outTradeNo: string): Promise<void> {
    await this.#post(`/orders/${outTradeNo}/pay`, {});
  }

  /** Has money arrive. */
  async getsRefund(outRefundNo: string): Promise<void> {
    await this.#post(`/refunds/${outRefundNo}/finish`, { status: 'SUCCESS' });
  }

  async #post(path: string, body: object): Promise<void> {
    const answer = await fetch(this.#controlUrl + path, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}
