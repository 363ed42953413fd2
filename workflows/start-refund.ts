import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { type ChildWorkflowHandle, startChild } from '@temporalio/workflow';
import type { RefundTiming, RefundToStart } from '../domain/refund.ts';
import type { refund as refundWorkflow } from './refund.ts';
import { refundStart } from './start.ts';

/**
 * Starts the workflow of a refund that is stored already. It goes on when its parent has ended. Should the relay that looks after stored refunds have
 * been faster, there is no handle.
 */
export async function startRefund(
  refund: RefundToStart,
  timing: RefundTiming | undefined,
): Promise<ChildWorkflowHandle<typeof refundWorkflow> | undefined> {
  const {
    workflowType,
    workflowId,
    args,
    workflowIdReusePolicy,
    typedSearchAttributes,
    staticSummary,
    staticDetails,
  } = refundStart(refund, timing ? { refundTiming: () => timing } : {});
  try {
    return await startChild<typeof refundWorkflow>(workflowType, {
      workflowId,
      args,
      workflowIdReusePolicy,
      typedSearchAttributes,
      staticSummary,
      staticDetails,
      parentClosePolicy: 'ABANDON',
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}
