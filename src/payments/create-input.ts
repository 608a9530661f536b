import type { RawCard } from '../domain/card.ts';
import { parseCurrency, type Currency } from '../domain/currency.ts';
import { ok, type Result } from '../domain/result.ts';
import { checkAddress, type Address } from './address.ts';
import { checkInlineCustomer, type CustomerInput, type InlineCustomer } from './customer.ts';
import {
  checkAmountIn,
  checkMetadata,
  checkReturnUrl,
  checkStatementDescriptor,
  checkText,
  type Metadata,
} from './details.ts';
import { checkDestinations, type DestinationInput } from './destinations.ts';
import { invalid, type Failure } from './failure.ts';
import { checkTax, type Tax } from './tax.ts';

export interface CreatePaymentInput {
  readonly idempotencyKey: string;
  /** Minor units, or a text with the currency's decimal point. */
  readonly amount: bigint | { readonly decimal: string };
  readonly currency: string;
  readonly customerId: string | null;
  /** Known by their e-mail address; stored if they are not. */
  readonly customer: CustomerInput | null;
  readonly paymentMethodId: string | null;
  readonly card: RawCard | null;
  readonly captureMethod: 'AUTOMATIC' | 'MANUAL';
  readonly initiator: 'CUSTOMER' | 'MERCHANT';
  readonly offSession: boolean;
  readonly destinations: readonly DestinationInput[];
  readonly description: string | null;
  readonly statementDescriptor: string | null;
  readonly returnUrl: string | null;
  readonly metadata: unknown;
  readonly billingAddress: Address | null;
  readonly tax: Tax | null;
  /** Minor units of the amount that the platform keeps. */
  readonly applicationFee: bigint | null;
  /** Of the attempt that it makes. */
  readonly attemptMetadata: unknown;
  /** Charge it at this moment, by itself. */
  readonly paymentDate: Date | null;
  /** Unless it is paid by then, it expires. */
  readonly expiresAt: Date | null;
  readonly active: boolean;
  /** Charge it at once. */
  readonly process: boolean;
}

/** What the input comes to once it is checked. */
export interface CheckedInput {
  readonly input: CreatePaymentInput;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
  readonly metadata: Metadata;
  readonly attemptMetadata: Metadata;
  readonly inlineCustomer: InlineCustomer | null;
}

/** Everything that can be said of the input without a look at the database. */
export function checkInput(input: CreatePaymentInput): Result<CheckedInput, Failure> {
  const currency = parseCurrency(input.currency);
  if (currency === undefined) return invalid('The currency is no ISO 4217 code in use.', 'currency');
  const amount = checkAmountIn(input.amount, currency);
  if (!amount.ok) return amount;
  const metadata = checkMetadata(input.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const attemptMetadata = checkMetadata(input.attemptMetadata, 'attemptMetadata');
  if (!attemptMetadata.ok) return attemptMetadata;
  const inlineCustomer = input.customer === null ? ok(null) : checkInlineCustomer(input.customer);
  if (!inlineCustomer.ok) return inlineCustomer;
  const others = [
    checkText(input.description, ['description']),
    checkStatementDescriptor(input.statementDescriptor, 'statementDescriptor'),
    checkReturnUrl(input.returnUrl, 'returnUrl'),
    checkDestinations(input.destinations, amount.value),
    input.billingAddress === null ? ok(null) : checkAddress(input.billingAddress, 'billingAddress'),
    input.tax === null ? ok(null) : checkTax(input.tax, amount.value),
    checkFee(input.applicationFee, amount.value),
    checkTogether(input),
  ];
  for (const other of others) if (!other.ok) return other;
  return ok({
    input,
    amount: amount.value,
    currency,
    metadata: metadata.value,
    attemptMetadata: attemptMetadata.value,
    inlineCustomer: inlineCustomer.value,
  });
}

function checkFee(fee: bigint | null, amount: bigint): Result<true, Failure> {
  if (fee === null || (fee >= 0n && fee <= amount)) return ok(true);
  return invalid("An application fee is a part of the payment's amount.", 'applicationFee');
}

/** What excludes each other, and what needs each other. */
function checkTogether(input: CreatePaymentInput): Result<true, Failure> {
  const hasMethod = input.card !== null || input.paymentMethodId !== null;
  if (input.card !== null && input.paymentMethodId !== null) {
    return invalid('A payment is made with a card or with a stored payment method, not with both.', 'card');
  }
  if (input.customer !== null && input.customerId !== null) {
    return invalid('A customer is named by an id or described, not both.', 'customer');
  }
  if (input.process && !hasMethod)
    return invalid('To be processed, a payment needs a card or a payment method.', 'process');
  if (input.process && input.paymentDate !== null) {
    return invalid('A payment is charged at once or at its date, not both.', 'paymentDate');
  }
  if (input.paymentDate !== null && !hasMethod) {
    return invalid('To be scheduled, a payment needs a card or a payment method.', 'paymentDate');
  }
  if (input.paymentDate !== null && input.expiresAt !== null && input.expiresAt <= input.paymentDate) {
    return invalid('A payment cannot be charged at a date after it has expired.', 'expiresAt');
  }
  return ok(true);
}
