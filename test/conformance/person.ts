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

  /** Answers the complaint's id. */
  async complains(outTradeNo: string): Promise<string> {
    const complaint = await this.#post('/complaints', {
      out_trade_no: outTradeNo,
      problem_type: 'REFUND',
      apply_refund_amount: 1000,
    });
    return (complaint as { complaint_id: string }).complaint_id;
  }

  async #post(path: string, body: object): Promise<unknown> {
    const answer = await fetch(this.#controlUrl + path, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
