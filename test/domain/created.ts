import type { Lifecycle } from '../../src/domain/lifecycle.ts';

/** A payment of 100 that nothing has happened to yet. */
export const CREATED: Lifecycle = {
  status: 'CREATED',
  refundStatus: 'NONE',
  amount: 100n,
  amountAuthorized: 0n,
  amountCapturing: 0n,
  amountCaptured: 0n,
  amountReleased: 0n,
  amountRefunding: 0n,
  amountRefunded: 0n,
  amountReversed: 0n,
  cancelRequested: false,
  expiryRequested: false,
};
