import { billControls } from './bills.ts';
import { clockControls } from './clock.ts';
import { complaintControls } from './complaints.ts';
import { faultControls } from './faults.ts';
import { merchantControls } from './merchants.ts';
import { notificationControls } from './notifications.ts';
import { orderControls } from './orders.ts';
import { paymentCodeControls } from './payment-codes.ts';
import { refundControls } from './refunds.ts';
import type { AnyRoute } from './route.ts';
import { stateControls } from './state.ts';

/** The control API, in the order of its description. A subject is added as a file of this folder. */
export const CONTROLS: readonly AnyRoute[] = [
  ...orderControls,
  ...paymentCodeControls,
  ...refundControls,
  ...notificationControls,
  ...complaintControls,
  ...billControls,
  ...faultControls,
  ...clockControls,
  ...merchantControls,
  ...stateControls,
];
