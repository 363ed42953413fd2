import { encryptResource } from '../../../wechatpay/v3/aead.ts';
import { GatewayError } from '../../gateway-error.ts';
import { chinaTime } from '../../time/china-time.ts';
import type { Call, CheckedCall, Operation } from '../operation.ts';

/** The platform certificates, encrypted with the APIv3 key. */
export const certificateOperations: readonly Operation[] = [
  {
    name: 'certificates.list',
    method: 'GET',
    path: /^\/(?:v3|v3\/global|hk\/v3)\/certificates$/,
    check: checkCertificates,
  },
];

function checkCertificates({ gateway, caller }: Call): CheckedCall {
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
      return {
        data: gateway.world.certificates().map(({ serialNo, effectiveTime, expireTime, pem }) => ({
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
