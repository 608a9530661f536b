import type { Observer } from '../payments/observer.ts';
import type { Refusal } from './notifications.ts';
import type { Operation } from './observation.ts';

/** What is counted, for whoever may read it. */
export interface Counts extends Observer {
  operationEnded(operation: Operation, durationMs: number): void;
  notificationRefused(reason: Refusal): void;
}

const ignore = (): void => {};

/** Where nobody may read it, nothing is. */
export const UNCOUNTED: Counts = {
  operationEnded: ignore,
  notificationRefused: ignore,
  processorAnswered: ignore,
  chargeDeclined: ignore,
  paymentChanged: ignore,
  webhookAttempted: ignore,
};
