import type { ObjectRef } from '@pothos/core';
import { encodeId } from '../domain/ids.ts';
import { unreachable, type Result } from '../domain/result.ts';
import type { Failure } from '../payments/failure.ts';
import { builder, type BuilderTypes } from './builder.ts';
import { renewLoaders, type Context } from './context.ts';
import { KeyScope, PaymentStatus, PaymentTransition } from './enums.ts';
import { Money } from './money.ts';

/** Every failure of payments/ as a GraphQL type: this is the only place where the two meet. */

type FailureOf<C extends Failure['code']> = Extract<Failure, { code: C }>;

const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description: 'Something that was refused. Nothing was written.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'For programs. It never changes its meaning.' }),
    message: t.exposeString('message', { description: 'For people.' }),
    path: t.exposeStringList('path', { description: 'Where in the arguments it lies: ["input", "card", "number"].' }),
  }),
  resolveType: typeNameOf,
});

const plain = (name: string, description: string) =>
  builder.objectRef<Failure>(name).implement({ description, interfaces: [ErrorInterface], fields: () => ({}) });

const InvalidInput = plain('InvalidInputError', 'The input cannot be taken as it is.');
const NotFound = plain('NotFoundError', 'There is nothing with this id, or you may not see it.');
const Forbidden = builder.objectRef<FailureOf<'FORBIDDEN'>>('ForbiddenError').implement({
  description: 'The key may not do it.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    requiredScope: t.expose('requiredScope', { type: KeyScope, description: 'The scope that it lacks.' }),
  }),
});
const KeyReused = plain('IdempotencyKeyReusedError', 'The idempotency key was used before, with another input.');
const CardRefused = plain('CardRefusedError', 'The processor does not take this card. Nothing was charged.');
const Unavailable = plain('ProcessorUnavailableError', 'The processor did not answer. Nothing was charged.');

const AlreadyPaid = builder.objectRef<FailureOf<'ALREADY_PAID'>>('AlreadyPaidError').implement({
  description: 'What is to be paid is paid, or being paid, already.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    paymentId: t.id({
      nullable: true,
      description: 'The payment that pays it; null where it is another payer’s.',
      resolve: ({ paymentId }) => (paymentId === null ? null : encodeId('Payment', paymentId)),
    }),
  }),
});

const UnderWay = builder.objectRef<FailureOf<'PAYMENTS_UNDER_WAY'>>('PaymentsUnderWayError').implement({
  description: 'Money is on its way, or will be by itself: it has to come to its end first.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    paymentIds: t.idList({
      description: 'The payments, at most 20 of them.',
      resolve: ({ paymentIds }) => paymentIds.map((id) => encodeId('Payment', id)),
    }),
  }),
});

const TooManyAttempts = plain(
  'TooManyAttemptsError',
  'The payer has failed too often. No more cards are taken for now.',
);

const InProgress = builder.objectRef<FailureOf<'IDEMPOTENCY_IN_PROGRESS'>>('IdempotencyInProgressError').implement({
  description: 'The first request with this idempotency key is still running.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterMs: t.exposeInt('retryAfterMs', {
      description: 'Ask again, with the same key, after so many milliseconds.',
    }),
  }),
});

const IllegalState = builder.objectRef<FailureOf<'ILLEGAL_STATE'>>('IllegalStateError').implement({
  description: "The payment's state does not allow it.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.expose('status', { type: PaymentStatus, description: 'The state that it is in.' }),
    allowedTransitions: t.field({
      type: [PaymentTransition],
      description: 'What this state would allow.',
      resolve: (failure) => [...failure.allowedTransitions],
    }),
  }),
});

const maximum = ({ maximum: amount, currency }: FailureOf<'AMOUNT_TOO_LARGE'>) => ({ amount, currency });

const RefundTooLarge = builder.objectRef<FailureOf<'AMOUNT_TOO_LARGE'>>('RefundTooLargeError').implement({
  description: 'The refund is larger than what is left to refund.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    maximumRefundable: t.field({ type: Money, description: 'What can be refunded.', resolve: maximum }),
  }),
});

const CaptureTooLarge = builder.objectRef<FailureOf<'AMOUNT_TOO_LARGE'>>('CaptureTooLargeError').implement({
  description: 'The capture is larger than what is left of the authorisation.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    maximumCapturable: t.field({ type: Money, description: 'What can be captured.', resolve: maximum }),
  }),
});

const TYPES = {
  INVALID_INPUT: [InvalidInput],
  NOT_FOUND: [NotFound],
  FORBIDDEN: [Forbidden],
  IDEMPOTENCY_KEY_REUSED: [KeyReused],
  IDEMPOTENCY_IN_PROGRESS: [InProgress],
  ILLEGAL_STATE: [IllegalState],
  AMOUNT_TOO_LARGE: [RefundTooLarge, CaptureTooLarge],
  ALREADY_PAID: [AlreadyPaid],
  PAYMENTS_UNDER_WAY: [UnderWay],
  TOO_MANY_ATTEMPTS: [TooManyAttempts],
  CARD_REFUSED: [CardRefused],
  PROCESSOR_UNAVAILABLE: [Unavailable],
} as const satisfies Record<Failure['code'], readonly object[]>;

function typeNameOf(failure: Failure): string {
  switch (failure.code) {
    case 'INVALID_INPUT':
      return 'InvalidInputError';
    case 'NOT_FOUND':
      return 'NotFoundError';
    case 'FORBIDDEN':
      return 'ForbiddenError';
    case 'IDEMPOTENCY_KEY_REUSED':
      return 'IdempotencyKeyReusedError';
    case 'IDEMPOTENCY_IN_PROGRESS':
      return 'IdempotencyInProgressError';
    case 'ILLEGAL_STATE':
      return 'IllegalStateError';
    case 'AMOUNT_TOO_LARGE':
      return failure.limit === 'REFUNDABLE' ? 'RefundTooLargeError' : 'CaptureTooLargeError';
    case 'ALREADY_PAID':
      return 'AlreadyPaidError';
    case 'PAYMENTS_UNDER_WAY':
      return 'PaymentsUnderWayError';
    case 'TOO_MANY_ATTEMPTS':
      return 'TooManyAttemptsError';
    case 'CARD_REFUSED':
      return 'CardRefusedError';
    case 'PROCESSOR_UNAVAILABLE':
      return 'ProcessorUnavailableError';
    default:
      return unreachable(failure);
  }
}

/** The failures that a command under an idempotency key can have before its own work begins. */
export const KEYED = ['INVALID_INPUT', 'NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_IN_PROGRESS'] as const;

/** What a union member is once it is known which one it is. */
type Answered = Failure | { readonly code?: undefined };

/**
 * The result of one mutation: a union of its payload and of the errors that it can have. Every one can be forbidden.
 * @returns the union, and what turns a command's result into a member of it
 */
export function mutationResult<P extends object>(
  verbNoun: string,
  payload: ObjectRef<BuilderTypes, P>,
  codes: readonly Failure['code'][],
) {
  const members = [...new Set<Failure['code']>([...codes, 'FORBIDDEN'])].flatMap((code) => [...TYPES[code]]);
  const fitting = members.filter((member) =>
    (member as object) === RefundTooLarge
      ? verbNoun.startsWith('Refund')
      : (member as object) !== CaptureTooLarge || verbNoun.startsWith('Capture'),
  );
  const type = builder.unionType(`${verbNoun}Result`, {
    description: `What came of it: ${verbNoun}Payload, or why it was refused.`,
    types: [payload, ...(fitting as ObjectRef<BuilderTypes, Failure>[])],
    resolveType: (value) => {
      const answered = value as Answered;
      return answered.code === undefined ? `${verbNoun}Payload` : typeNameOf(answered);
    },
  });
  return {
    type,
    /** The next mutation of a document, and this one's payload, read what is there now: nothing of before. */
    answer<T>(context: Context, result: Result<T, Failure>, toPayload: (value: T) => P): P | Failure {
      renewLoaders(context);
      if (result.ok) return toPayload(result.value);
      if (![...codes, 'FORBIDDEN'].includes(result.failure.code))
        throw new Error(`${verbNoun} has no ${result.failure.code}`);
      return result.failure;
    },
  };
}
