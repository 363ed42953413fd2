import { patched } from '@temporalio/workflow';

/**
 * What is new in the steps of a saga that an older version may have begun, each under a name that says what. docs/temporal.md says when one
 * can go.
 */

/** What operators do to a payment is recorded by a step of its own. Old branch: for those that began before. */
export const recordsOperatorActions = () => patched('record-operator-actions');
