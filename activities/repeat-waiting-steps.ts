import { activityInfo, Context } from '@temporalio/activity';
import proto from '@temporalio/proto';

const { PENDING_ACTIVITY_STATE_SCHEDULED } = proto.temporal.api.enums.v1.PendingActivityState;
/** gRPC status: it has ended meanwhile. */
const NOT_FOUND = 5;

/**
 * Has Temporal repeat at once every step of the workflow that asks which waits for its next attempt. One that runs right now is left alone: two
 * of the same order must not overlap.
 * @returns names of the steps.
 */
export function repeatWaitingSteps() {
  return async (_input: object): Promise<string[]> => {
    const { workflowExecution: execution, namespace } = activityInfo();
    if (!execution) throw new Error('only a workflow has steps');
    const { workflowService } = Context.current().client;
    const { pendingActivities } = await workflowService.describeWorkflowExecution({ namespace, execution });
    const repeated: string[] = [];
    for (const { activityId, activityType, state, attempt } of pendingActivities) {
      if (state !== PENDING_ACTIVITY_STATE_SCHEDULED || (attempt ?? 1) <= 1 || !activityId) continue;
      try {
        await workflowService.resetActivity({ namespace, execution, id: activityId });
        repeated.push(activityType?.name ?? activityId);
      } catch (error) {
        if ((error as { code?: number }).code !== NOT_FOUND) throw error;
      }
    }
    return repeated;
  };
}
