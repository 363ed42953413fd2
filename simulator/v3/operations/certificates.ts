import { z } from 'zod';
import { encryptResource } from '../../../wechatpay/v3/aead.ts';
import { GatewayError } from '../../gateway-error.ts';
import { chinaTime } from '../../time/china-time.ts';
import type { Call, CheckedCall, Operation } from '../operation.ts';
import { checkFields } from '../request-body.ts';

/** The platform certificates, encrypted with the APIv3 key. */
export const certificateOperations: readonly Operation[] = [
  {
    name: 'certificates.list',
    method: 'GET',
    path: /^\/(?:v3|v3\/global|hk\/v3)\/certificates$/,
    check: checkCertificates,
  },
];

const algorithmType = z.enum(['RSA', 'SM2', 'ALL']).optional();

function checkCertificates({ gateway, caller, query }: Call): CheckedCall {
  const wanted = checkFields(
    algorithmType,
    query.get('algorithm_type') ?? undefined,
    'query',
    'algorithm_type',
  );
  return {
    subject: { mchid: caller.mchid },
    run: () => {
      if (!caller.platformCertificates) {
        throw new GatewayError(
          404,
          'RESOURCE_NOT_EXISTS',
          '无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥',
        );
      }
      // There are none of SM2 here; what the gateway answers where that is so, no page says.
      const certificates = wanted === 'SM2' ? [] : gateway.world.certificates();
      return {
        data: certificates.map(({ serialNo, effectiveTime, expireTime, pem }) => ({
          serial_no: serialNo,
          effective_time: chinaTime(effectiveTime),
          expire_time: chinaTime(expireTime),
          encrypt_certificate: encryptResource(pem, {
            apiV3Key: caller.apiV3Key,
            nonce: gateway.random.text(12),
            associatedData: 'certificate',
          }),
        })),
      };
    },
  };
}
