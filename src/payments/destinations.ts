import type { PaymentDestination } from '../../generated/prisma/client.ts';
import { ok, type Result } from '../domain/result.ts';
import { checkAmount, checkText } from './details.ts';
import { invalid, type Failure } from './failure.ts';

/** What a part of a payment pays for: an invoice or order of the merchant's own, by the merchant's own id. */
export interface DestinationInput {
  readonly type: PaymentDestination['type'];
  readonly id: string;
  readonly number: string | null;
  /** What else it belongs to, by the merchant's own ids. */
  readonly invoiceId: string | null;
  readonly purchaseId: string | null;
  readonly subscriptionId: string | null;
  readonly billingPeriodId: string | null;
  /** Minor units of the payment's currency. */
  readonly amount: bigint;
}

const DESTINATIONS_MAX = 100;
const NAME_LENGTH_MAX = 255;
const NAMES = ['number', 'invoiceId', 'purchaseId', 'subscriptionId', 'billingPeriodId'] as const;

/** A payment may have no destination; if it has any, their amounts add up to the payment's. */
export function checkDestinations(
  destinations: readonly DestinationInput[],
  paymentAmount: bigint,
): Result<true, Failure> {
  if (destinations.length === 0) return ok(true);
  if (destinations.length > DESTINATIONS_MAX) {
    return invalid(`A payment has at most ${DESTINATIONS_MAX} destinations.`, 'destinations');
  }
  let sum = 0n;
  for (const [index, destination] of destinations.entries()) {
    const { id, amount } = destination;
    const path = ['destinations', String(index)];
    if (id === '') return invalid('The id of a destination is not empty.', ...path, 'id');
    const checks = [
      checkText(id, [...path, 'id'], NAME_LENGTH_MAX),
      ...NAMES.map((name) => checkText(destination[name], [...path, name], NAME_LENGTH_MAX)),
      checkAmount(amount, ...path, 'amount'),
    ];
    for (const checked of checks) if (!checked.ok) return checked;
    sum += amount;
  }
  if (sum === paymentAmount) return ok(true);
  return invalid(`The destinations add up to ${sum} minor units, not to the payment's amount.`, 'destinations');
}
