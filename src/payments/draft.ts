import type { Capture, CaptureReversal, Operation, Payment, PaymentEvent } from '../../generated/prisma/client.ts';
import {
  isEnding,
  LEGAL_IN,
  type Change,
  type ChangeType,
  type Illegal,
  type Lifecycle,
  type PaymentStatus,
} from '../domain/lifecycle.ts';
import { transition } from '../domain/transition.ts';
import type { TransactionClock } from '../store/ledger.ts';
import type { LedgerRows, LedgerTable, Writes } from '../store/write.ts';
import { dueAtOf } from './due-at.ts';
import type { Gateway } from './gateway.ts';
import { lifecycleOf, withLifecycle } from './stored-lifecycle.ts';

/** What an event is about, besides the payment. */
export type EventSubject = Partial<Pick<PaymentEvent, 'attemptId' | 'captureId' | 'refundId'>>;

type EventType = PaymentEvent['type'];

/** The event that tells of a payment's entering a state. */
const STATUS_EVENT: Readonly<Record<PaymentStatus, EventType>> = {
  CREATED: 'PAYMENT_CREATED',
  SCHEDULED: 'PAYMENT_SCHEDULED',
  PROCESSING: 'PAYMENT_PROCESSING',
  REQUIRES_ACTION: 'PAYMENT_REQUIRES_ACTION',
  AUTHORIZED: 'PAYMENT_AUTHORIZED',
  CAPTURED: 'PAYMENT_CAPTURED',
  SUCCEEDED: 'PAYMENT_SUCCEEDED',
  RETRY_SCHEDULED: 'PAYMENT_RETRY_SCHEDULED',
  FAILED: 'PAYMENT_FAILED',
  CANCELED: 'PAYMENT_CANCELED',
  EXPIRED: 'PAYMENT_EXPIRED',
};

/**
 * One payment while a transaction holds its lock: changes are applied to it, events told of it, rows put beside
 * it, and all of it is written in the end. Nothing else changes a payment.
 */
export class PaymentDraft {
  #payment: Payment;
  #isChanged: boolean;
  readonly #isNew: boolean;
  readonly #clock: TransactionClock;
  readonly #gateway: Gateway;
  readonly #actor: string;
  readonly #inserts = new Map<LedgerTable, object[]>();
  readonly #updates = new Map<LedgerTable, Map<string, object>>();

  constructor(gateway: Gateway, options: { payment: Payment; isNew: boolean; clock: TransactionClock; actor: string }) {
    this.#gateway = gateway;
    this.#payment = options.payment;
    this.#isNew = options.isNew;
    this.#isChanged = options.isNew;
    this.#clock = options.clock;
    this.#actor = options.actor;
  }

  /** The payment as it stands with everything applied so far. */
  get payment(): Payment {
    return this.#payment;
  }

  get now(): Date {
    return this.#clock.now;
  }

  get actor(): string {
    return this.#actor;
  }

  /** Someone wants the payment to end, and its processor has not answered. */
  get isEnding(): boolean {
    return isEnding(lifecycleOf(this.#payment));
  }

  /** Whether the payment's state allows such a change at all. */
  allows(type: ChangeType): boolean {
    return LEGAL_IN[type].includes(this.#payment.status);
  }

  /** Applies a change that a command asks for; if the lifecycle refuses it, says why and changes nothing. */
  try(change: Change): Illegal | undefined {
    const next = transition(lifecycleOf(this.#payment), change);
    if ('illegal' in next) return next;
    this.#payment = withLifecycle(this.#payment, next, this.#clock.now);
    this.#isChanged = true;
    return undefined;
  }

  /** Applies a change that has to be possible here. @throws if it is not: that is a broken invariant */
  apply(change: Change): void {
    const refused = this.try(change);
    if (refused !== undefined) {
      throw new Error(`${change.type} is illegal (${refused.illegal}) for a payment in ${this.#payment.status}`);
    }
  }

  /** Sets what the lifecycle does not decide about. */
  set(fields: Partial<Omit<Payment, keyof Lifecycle | 'sequence' | 'lastOrderXid' | 'lastEpoch'>>): void {
    this.#payment = { ...this.#payment, ...fields };
    this.#isChanged = true;
  }

  /** Tells of the state that the payment is in now. */
  recordStatus(subject: EventSubject = {}): void {
    this.record(STATUS_EVENT[this.#payment.status], subject);
  }

  /** Appends an event with the payment's amounts and states as they are now. */
  record(type: EventType, subject: EventSubject = {}): void {
    const { epoch } = this.#gateway;
    const last = this.#payment.lastEpoch === epoch ? this.#payment.lastOrderXid : 0n;
    // Never before the payment's own last event, even if this transaction's id was drawn before that one's.
    const orderXid = this.#clock.xid > last ? this.#clock.xid : last;
    const sequence = this.#payment.sequence + 1;
    this.#payment = { ...this.#payment, sequence, lastOrderXid: orderXid, lastEpoch: epoch };
    this.#isChanged = true;
    const p = this.#payment;
    this.insert('paymentEvent', {
      environmentId: p.environmentId,
      id: this.#gateway.newId(),
      paymentId: p.id,
      sequence,
      epoch,
      orderXid,
      type,
      customerId: p.customerId,
      attemptId: subject.attemptId ?? null,
      captureId: subject.captureId ?? null,
      refundId: subject.refundId ?? null,
      status: p.status,
      refundStatus: p.refundStatus,
      currency: p.currency,
      amount: p.amount,
      amountAuthorized: p.amountAuthorized,
      amountCapturing: p.amountCapturing,
      amountCaptured: p.amountCaptured,
      amountReleased: p.amountReleased,
      amountRefunding: p.amountRefunding,
      amountRefunded: p.amountRefunded,
      amountReversed: p.amountReversed,
      createdAt: this.#clock.now,
      createdBy: this.#actor,
    });
  }

  insert<T extends LedgerTable>(table: T, row: LedgerRows[T]): void {
    this.#inserts.set(table, [...(this.#inserts.get(table) ?? []), row]);
  }

  /** Puts a row in the place of the one with its id; the last one that is given counts. */
  update<T extends 'payment' | 'attempt' | 'capture' | 'refund' | 'operation'>(table: T, row: LedgerRows[T]): void {
    const rows = this.#updates.get(table) ?? new Map<string, object>();
    this.#updates.set(table, rows.set(row.id, row));
  }

  /** A row as this draft writes it; undefined where it leaves it alone. */
  written<T extends 'capture' | 'refund'>(table: T, id: string | null): LedgerRows[T] | undefined {
    const rows = [...(this.#inserts.get(table) ?? []), ...(this.#updates.get(table)?.values() ?? [])];
    return (rows as LedgerRows[T][]).findLast((row) => row.id === id);
  }

  /** The captures that this draft adds or changes. */
  get captures(): readonly Capture[] {
    return [...(this.#inserts.get('capture') ?? []), ...(this.#updates.get('capture')?.values() ?? [])] as Capture[];
  }

  /** The captures that this draft says were taken back. */
  get reversals(): readonly CaptureReversal[] {
    return (this.#inserts.get('captureReversal') ?? []) as CaptureReversal[];
  }

  /** Operations that this draft adds and nobody has begun. */
  get planned(): readonly Operation[] {
    return this.operations.filter(({ status }) => status === 'PLANNED');
  }

  /** Whether this draft adds an operation. */
  adds(operationId: string): boolean {
    return this.operations.some(({ id }) => id === operationId);
  }

  /** The operations that this draft adds. */
  get operations(): readonly Operation[] {
    return (this.#inserts.get('operation') ?? []) as Operation[];
  }

  /** Whether there is anything to tell those who read events. */
  get hasEvents(): boolean {
    return this.#inserts.has('paymentEvent');
  }

  /** Everything that is to be written; the payment too, if anything about it has changed. */
  writes(): Writes {
    this.#tellEvents();
    if (this.#isChanged) {
      const dueAt = dueAtOf(this.#payment);
      const stamp = { updatedAt: this.#clock.now, updatedBy: this.#actor, updatedByCommit: this.#gateway.commit };
      const payment = { ...this.#payment, dueAt, ...stamp };
      if (this.#isNew) this.#inserts.set('payment', [payment]);
      else this.update('payment', payment);
    }
    const updates = [...this.#updates].map(([table, rows]) => [table, [...rows.values()]] as const);
    return { insert: Object.fromEntries(this.#inserts), update: Object.fromEntries(updates) };
  }

  #tellEvents(): void {
    const rows = [...(this.#inserts.get('attempt') ?? []), ...(this.#updates.get('attempt')?.values() ?? [])];
    const processor = (rows.at(-1) as LedgerRows['attempt'] | undefined)?.processor ?? 'none';
    for (const event of (this.#inserts.get('paymentEvent') ?? []) as LedgerRows['paymentEvent'][]) {
      this.#gateway.observer.paymentChanged(event.type, processor);
    }
  }
}
