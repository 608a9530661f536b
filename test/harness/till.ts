import { randomUUID } from 'node:crypto';
import {
  CancelPaymentDocument,
  CapturePaymentDocument,
  CreateCustomerDocument,
  CreatePaymentDocument,
  CreatePaymentMethodDocument,
  DetachPaymentMethodDocument,
  EventsDocument,
  EventTypesDocument,
  OperationsDocument,
  OperationsOfPaymentDocument,
  PaymentDocument,
  ProcessPaymentDocument,
  RecoveryDocument,
  RefundPaymentDocument,
  ResolveOperationDocument,
  RetryScheduleDocument,
  SetRetryScheduleDocument,
  UpdatePaymentDocument,
  type CancelPaymentInput,
  type CapturePaymentInput,
  type CardInput,
  type CreateCustomerInput,
  type CreatePaymentInput,
  type EventsQueryVariables,
  type OperationFilter,
  type OperationKind,
  type PaymentFieldsFragment,
  type ProcessPaymentInput,
  type RefundPaymentInput,
  type ResolveOperationInput,
  type UpdatePaymentInput,
} from '../../generated/operations/graphql.ts';
import { only, type TestGateway } from './gateway.ts';

/** A card that is good for some years to come. */
export function card(number = '4242424242424242', overrides: Partial<CardInput> = {}): CardInput {
  const cvc = number.startsWith('3') ? '1234' : '123';
  return { number, expMonth: 12, expYear: new Date().getUTCFullYear() + 5, cvc, ...overrides };
}

type Keyless<I> = Omit<I, 'idempotencyKey'> & { idempotencyKey?: string };

/** A merchant at work: sends the mutations, each under a new idempotency key unless one is given. */
export class Till {
  readonly #gateway: () => TestGateway;
  readonly #key: 'test' | 'live' | 'other';

  constructor(gateway: () => TestGateway, key: 'test' | 'live' | 'other' = 'test') {
    this.#gateway = gateway;
    this.#key = key;
  }

  get #options(): { key: string } {
    return { key: this.#gateway().keys[this.#key] };
  }

  async create(input: Partial<CreatePaymentInput> = {}) {
    const returnUrl = 'https://shop.example/back';
    const whole = { idempotencyKey: randomUUID(), amount: 4999, currency: 'EUR', returnUrl, ...input };
    return (await this.#gateway().execute(CreatePaymentDocument, { input: whole }, this.#options)).createPayment;
  }

  async process(input: Keyless<ProcessPaymentInput>) {
    const whole = { idempotencyKey: randomUUID(), ...input };
    return (await this.#gateway().execute(ProcessPaymentDocument, { input: whole }, this.#options)).processPayment;
  }

  async capture(input: Keyless<CapturePaymentInput>) {
    const whole = { idempotencyKey: randomUUID(), ...input };
    return (await this.#gateway().execute(CapturePaymentDocument, { input: whole }, this.#options)).capturePayment;
  }

  async cancel(input: Keyless<CancelPaymentInput>) {
    const whole = { idempotencyKey: randomUUID(), ...input };
    return (await this.#gateway().execute(CancelPaymentDocument, { input: whole }, this.#options)).cancelPayment;
  }

  async refund(input: Keyless<RefundPaymentInput>) {
    const whole = { idempotencyKey: randomUUID(), ...input };
    return (await this.#gateway().execute(RefundPaymentDocument, { input: whole }, this.#options)).refundPayment;
  }

  async update(input: UpdatePaymentInput) {
    return (await this.#gateway().execute(UpdatePaymentDocument, { input }, this.#options)).updatePayment;
  }

  /** A payment that was not refused: charged at once with a card that is approved, unless told otherwise. */
  async pay(input: Partial<CreatePaymentInput> = {}): Promise<PaymentFieldsFragment> {
    const method = input.card === undefined && input.paymentMethodId === undefined ? { card: card() } : {};
    return only(await this.create({ process: true, ...method, ...input }), 'CreatePaymentPayload').payment;
  }

  async payWith(number: string, input: Partial<CreatePaymentInput> = {}): Promise<PaymentFieldsFragment> {
    return this.pay({ card: card(number), ...input });
  }

  async authorize(input: Partial<CreatePaymentInput> = {}): Promise<PaymentFieldsFragment> {
    return this.pay({ captureMethod: 'MANUAL', ...input });
  }

  /** The payment as it stands. */
  async read(id: string): Promise<PaymentFieldsFragment> {
    const { payment } = await this.#gateway().execute(PaymentDocument, { id }, this.#options);
    if (payment === null) throw new Error(`there is no payment ${id}`);
    return payment;
  }

  async customer(input: CreateCustomerInput = { email: 'jenny@example.com' }): Promise<string> {
    const { createCustomer } = await this.#gateway().execute(CreateCustomerDocument, { input }, this.#options);
    return only(createCustomer, 'CreateCustomerPayload').customer.id;
  }

  async storedCard(customerId: string, number?: string): Promise<string> {
    const input = { customerId, card: card(number) };
    const result = await this.#gateway().execute(CreatePaymentMethodDocument, { input }, this.#options);
    return only(result.createPaymentMethod, 'CreatePaymentMethodPayload').paymentMethod.id;
  }

  async detach(paymentMethodId: string): Promise<void> {
    const variables = { input: { paymentMethodId } };
    const { detachPaymentMethod } = await this.#gateway().execute(
      DetachPaymentMethodDocument,
      variables,
      this.#options,
    );
    only(detachPaymentMethod, 'DetachPaymentMethodPayload');
  }

  /** How often, and how many seconds apart, declines are tried again from now on. */
  async setRetrySchedule(...delaysSeconds: number[]) {
    const variables = { input: { delaysSeconds } };
    return (await this.#gateway().execute(SetRetryScheduleDocument, variables, this.#options)).setRetrySchedule;
  }

  async retrySchedule() {
    return (await this.#gateway().execute(RetryScheduleDocument, {}, this.#options)).retrySchedule.delaysSeconds;
  }

  async resolve(input: Keyless<ResolveOperationInput>) {
    const whole = { idempotencyKey: randomUUID(), ...input };
    return (await this.#gateway().execute(ResolveOperationDocument, { input: whole }, this.#options)).resolveOperation;
  }

  async recovery() {
    return (await this.#gateway().execute(RecoveryDocument, {}, this.#options)).recovery;
  }

  /** The operations of every payment that fit. */
  async operations(filter: OperationFilter) {
    const { operations } = await this.#gateway().execute(OperationsDocument, { filter }, this.#options);
    return operations.edges.map(({ node }) => node);
  }

  async operationsOf(id: string) {
    const { payment } = await this.#gateway().execute(OperationsOfPaymentDocument, { id }, this.#options);
    return payment?.operations ?? [];
  }

  /** The latest operation of a kind. @throws if the payment has none such */
  async operationOf(id: string, kind: OperationKind) {
    const operation = (await this.operationsOf(id)).findLast((each) => each.kind === kind);
    if (operation === undefined) throw new Error(`the payment has no ${kind}`);
    return operation;
  }

  /** What happened to a payment, in order. */
  /** The events of all payments after a cursor. */
  async events(variables: EventsQueryVariables = {}) {
    return this.#gateway().execute(EventsDocument, variables, this.#options);
  }

  async eventTypes(id: string) {
    const { payment } = await this.#gateway().execute(EventTypesDocument, { id }, this.#options);
    return (payment?.events.edges ?? []).map(({ node }) => node.type);
  }
}
