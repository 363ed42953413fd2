import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { carryOut } from '../carry-out.ts';
import type { Gateway } from '../gateway.ts';
import { isBound, type SimulatedMerchant } from '../merchants/merchant.ts';
import {
  confirmation,
  htmlPage,
  instead,
  isRefusal,
  refusal,
  sendAnswer,
  tooMany,
  type V2Answer,
} from './answer.ts';
import { lacking } from './elements.ts';
import type { V2Signer } from './envelope.ts';
import { V2Error } from './error.ts';
import type { CheckedV2Call, V2Call, V2Operation } from './operation.ts';
import { findOperation } from './operations/index.ts';
import { sandboxKey } from './operations/tools.ts';
import { authenticate, readElements, requireCertificate } from './request.ts';

/** The v2 protocol over HTTP: XML in, XML out, status 200 whatever happens; only unknown paths have a page in HTML and 404. */
export class V2Protocol {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const found = findOperation(path);
    if (!found) {
      await sendAnswer(response, htmlPage(404, 'Not Found'), undefined);
      return;
    }
    const { operation, sandbox } = found;
    let signer: V2Signer | undefined;
    let checked: CheckedV2Call;
    try {
      const keyOf = ({ apiV2Key }: SimulatedMerchant) => (sandbox ? sandboxKey(apiV2Key) : apiV2Key);
      const { enrolment, fields, signType } = authenticate(readElements(request.method, body), {
        world: this.#gateway.world,
        required: operation.required ?? ['appid'],
        signTypes: operation.signTypes ?? ['MD5', 'HMAC-SHA256'],
        keyOf: ({ merchant }) => keyOf(merchant),
      });
      const { merchant: caller } = enrolment;
      // Over plain HTTP nobody can show a certificate.
      if (operation.certificate && 'encrypted' in request.socket)
        requireCertificate(enrolment, (request.socket as TLSSocket).getPeerX509Certificate());
      const { appid, sub_mch_id: subMchid, sub_appid: subAppid } = fields;
      const key = keyOf(caller);
      const nonce = this.#gateway.random.text(32);
      signer = { mchid: caller.mchid, appid, subMchid, subAppid, key, signType, nonce };
      const call: V2Call = { gateway: this.#gateway, caller, subMchid, subAppid, fields, signType, path };
      if (appid) this.#requireRelation(call, appid, operation);
      checked = operation.check(call);
    } catch (error) {
      // What is refused for its elements counts among the failing calls too.
      if (signer) this.#gateway.rateLimits.failed(operation.name, signer);
      await sendAnswer(response, refusal(error, operation, signer), undefined);
      return;
    }
    await this.#run(operation, checked, response, signer);
  }

  /** @throws V2Error unless appid, merchant, sub-merchant and its appid belong together. */
  #requireRelation(
    { caller, subMchid, subAppid }: V2Call,
    appid: string,
    { forWholeProvider }: V2Operation,
  ): void {
    const { world } = this.#gateway;
    const requireAppid = (wanted: string, owner: { appid: string; otherAppids?: string[] }) => {
      if (isBound(wanted, owner)) return;
      throw new V2Error(isKnown(wanted, world.merchants()) ? 'APPID_MCHID_NOT_MATCH' : 'APPID_NOT_EXIST');
    };
    requireAppid(appid, caller);
    if (caller.region !== 'mainland') throw new V2Error('NOAUTH');
    if (caller.role === 'partner' && !subMchid && !forWholeProvider) throw lacking('sub_mch_id');
    if (!subMchid) return;
    const sub = caller.subMerchants.find(({ mchid }) => mchid === subMchid);
    if (!sub) throw new V2Error('MCHID_NOT_EXIST', '受理关系不存在');
    if (subAppid) requireAppid(subAppid, sub);
  }

  async #run(
    operation: V2Operation,
    { subject, run }: CheckedV2Call,
    response: ServerResponse,
    signer: V2Signer,
  ): Promise<void> {
    await carryOut<V2Answer>(this.#gateway, response, {
      name: operation.name,
      subject,
      run: (...how) => outcome(() => run(...how), operation, signer),
      isRefusal,
      instead: (fault) => instead(fault, operation, signer),
      tooMany: (excess) => refusal(tooMany(excess), operation, signer),
      send: (answer, fault) => sendAnswer(response, answer, fault),
    });
  }
}

function isKnown(appid: string, merchants: SimulatedMerchant[]): boolean {
  return merchants.some((one) => isBound(appid, one) || one.subMerchants.some((sub) => sub.appid === appid));
}

async function outcome(
  run: () => ReturnType<CheckedV2Call['run']>,
  operation: V2Operation,
  signer: V2Signer,
): Promise<V2Answer> {
  try {
    return confirmation(await run(), operation, signer);
  } catch (error) {
    return refusal(error, operation, signer);
  }
}
