import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WechatPay } from '../wechatpay/index.ts';
import { startMeter } from './meter.ts';
import { startSimulatorProcess } from './simulator-process.ts';

/** A trade bill that the simulator makes while it is read. */
export interface BillPart {
  rows: number;
  megabytes: number;
  /** From the application to its answer, which has the hash: the bill is made once for it. */
  applySeconds: number;
  /** From the request for the file to its last byte: it is made once more. */
  downloadSeconds: number;
  /** Undefined where the system does not tell. */
  cpuMicrosPerRow?: number;
  /** Resident memory of the simulator, the most of both. */
  peakMib?: number;
}

const DAY = '2026-03-01';

/** Has the simulator make a bill of so many rows and reads it, hash included. @throws Error when it has other rows */
export async function billPart(rows: number, folder: string, signal: AbortSignal): Promise<BillPart> {
  const simulator = await startSimulatorProcess({ credentials: folder }, signal);
  try {
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    const merchant = JSON.parse(read('merchant.json'));
    const pay = new WechatPay({
      mchid: merchant.mchid,
      appid: merchant.appid,
      serialNo: merchant.merchant_serial_no,
      privateKey: read('apiclient_key.pem'),
      apiV3Key: merchant.api_v3_key,
      publicKeys: { [merchant.public_key_id]: read('pub_key.pem') },
      baseUrl: merchant.base_url,
      // The hash of a million rows takes longer than an answer usually may.
      timeoutMs: 120_000,
    });
    await arrange(merchant.control_url, '/bills/settings', { available: 'immediately' });
    await arrange(merchant.control_url, '/clock', { set: `${DAY}T12:00:00+08:00` });
    await arrange(merchant.control_url, '/bills/synthetic', { date: DAY, rows, seed: 7 });
    await arrange(merchant.control_url, '/clock', { set: '2026-03-02T12:00:00+08:00' });
    const meter = startMeter([{ name: 'simulator', pid: simulator.pid }]);
    const startedAt = performance.now();
    const address = await pay.bills.trade({ bill_date: DAY });
    const appliedAt = performance.now();
    let [bytes, lines] = [0, 0];
    for await (const chunk of await pay.bills.download(address)) {
      const buffer = chunk as Buffer;
      bytes += buffer.length;
      for (let at = buffer.indexOf(10); at >= 0; at = buffer.indexOf(10, at + 1)) lines += 1;
    }
    const endedAt = performance.now();
    const usage = meter()?.usages[0];
    // Two heads and the summary.
    if (lines !== rows + 3) throw new Error(`the bill has ${lines} lines, not ${rows + 3}`);
    return {
      rows,
      megabytes: bytes / 1e6,
      applySeconds: (appliedAt - startedAt) / 1000,
      downloadSeconds: (endedAt - appliedAt) / 1000,
      ...(usage && { cpuMicrosPerRow: (usage.cpuMs * 1000) / rows, peakMib: usage.peakMib }),
    };
  } finally {
    await simulator.stop();
  }
}

async function arrange(controlUrl: string, path: string, body: object): Promise<void> {
  const answer = await fetch(controlUrl + path, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}
