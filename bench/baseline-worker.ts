import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

/** The baseline's worker process: `baseline-worker.ts <address> <namespace> <task queue>`. */

const activities = {
  async createOrder(): Promise<string> {
    return 'weixin://wxpay/bizpayurl?pr=baseline';
  },
  async settle(): Promise<void> {},
};

/** Activities that do nothing. */
export type BaselineActivities = typeof activities;

const [address = '', namespace = '', taskQueue = ''] = process.argv.slice(2);
Runtime.install({ shutdownSignals: ['SIGTERM'], logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  activities,
  workflowsPath: fileURLToPath(new URL('./baseline-workflow.ts', import.meta.url)),
  // What paysaga's worker runs with, so that the two differ in their work only.
  maxConcurrentWorkflowTaskExecutions: 40,
  maxConcurrentActivityTaskExecutions: 100,
  maxCachedWorkflows: 500,
  workflowTaskPollerBehavior: { type: 'autoscaling' },
  activityTaskPollerBehavior: { type: 'autoscaling' },
  // One that was told to stop has nothing left to finish.
  shutdownForceTime: '2 seconds',
});
console.log('baseline worker ready');
await worker.run();
await connection.close();
