import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts the message and the stack of an error where payload codecs see them; Temporal keeps them in clear text otherwise. Loaded by path: in
 * the workflow sandbox, by the worker and by the client.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
