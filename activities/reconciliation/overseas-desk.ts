import type { WechatOverseas } from '../../gateway/overseas.ts';
import type { StatementHash } from '../../wechatpay/index.ts';
import type { BillDesk } from './bill-desk.ts';

/**
 * Overseas statements. There is nothing to apply for: the answer is the file itself, signed by its hash. An institution asks for all its sub-merchants at
 * once (official page: without `sub_mchid`).
 */
export function overseasDesk({ statements }: WechatOverseas): BillDesk {
  return {
    async apply({ billDate }) {
      const { hash, bytes } = await statements.fetch({ date: billDate.replaceAll('-', '') });
      return [{ said: hash, fetch: async () => bytes }];
    },
    open: (bytes, said) => statements.open(bytes, said as StatementHash),
  };
}
