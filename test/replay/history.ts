import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;

/** History of a workflow, as the client fetches it and the replayer takes it. */
export type History = proto.temporal.api.history.v1.IHistory;

/** A history in a file. */
export interface RecordedHistory {
  workflowId: string;
  /** Events in JSON: enums by name, bytes in base64. */
  events: object[];
}

/** Not with the SDK's own functions for it: those of 1.24.0 fail where two versions of protobufjs are installed. */
export function toRecorded(workflowId: string, history: History): RecordedHistory {
  const json = History.toObject(History.fromObject(history), { enums: String, longs: String, bytes: String });
  return { workflowId, events: (json.events as object[]).map(anonymous) };
}

/** The history as the replayer takes it. */
export function fromRecorded({ events }: RecordedHistory): History {
  return History.fromObject({ events });
}

/** Leaves out on which machine it was recorded, and where the code was; replay asks for neither. */
function anonymous(event: object): object {
  return JSON.parse(JSON.stringify(event), (key, value: unknown) => {
    if (key === 'identity') return 'recorded';
    if (key === 'stackTrace') return '';
    if (key.endsWith('askQueue') && typeof value === 'object')
      return { ...value, ...nameOf(value as TaskQueue) };
    return value;
  }) as object;
}

interface TaskQueue {
  kind?: string;
  normalName?: string;
}

function nameOf({ kind, normalName }: TaskQueue): object {
  return {
    name: kind === 'TASK_QUEUE_KIND_STICKY' ? 'sticky' : 'paysaga',
    ...(normalName && { normalName: 'paysaga' }),
  };
}

/** What happened, in words: `activity closeUnlessPaid`, `local settleFromNotification`, `signal notified`, `update close`, `child refund`, `timer`. */
export function steps({ events }: History): string[] {
  return (events ?? []).flatMap((event) => {
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (activity) return `activity ${activity}`;
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowType?.name;
    if (child) return `child ${child}`;
    const marker = event.markerRecordedEventAttributes;
    const [data] = marker?.details?.data?.payloads ?? [];
    if (marker?.markerName === 'core_local_activity' && data?.data) {
      const { activity_type: type } = JSON.parse(Buffer.from(data.data).toString()) as {
        activity_type: string;
      };
      return `local ${type}${marker.failure ? ' failed' : ''}`;
    }
    const signal = event.workflowExecutionSignaledEventAttributes?.signalName;
    if (signal) return `signal ${signal}`;
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name;
    if (update) return `update ${update}`;
    if (event.timerFiredEventAttributes) return 'timer';
    if (event.workflowExecutionCancelRequestedEventAttributes) return 'cancel';
    if (event.workflowExecutionCompletedEventAttributes) return 'completed';
    return [];
  });
}
