import { randomUUID } from 'node:crypto';
import {
  CreateClientTokenDocument,
  PayOrdersDocument,
  PayPaymentDocument,
  UpdatePaymentDocument,
  type CreateClientTokenInput,
  type PayOrdersInput,
  type ProcessPaymentInput,
  type UpdatePaymentInput,
} from '../../generated/operations/graphql.ts';
import { only, type TestGateway } from './gateway.ts';
import { card } from './till.ts';

type TokenInput = Partial<CreateClientTokenInput>;

/** What a backend does for a browser. @returns the token */
export async function makeToken(gateway: TestGateway, input: TokenInput, key = gateway.keys.test): Promise<string> {
  const { createClientToken } = await gateway.execute(CreateClientTokenDocument, { input }, { key });
  return only(createClientToken, 'CreateClientTokenPayload').token;
}

/** A grant to pay an order, for 1,000 minor units of EUR unless told otherwise. */
export function grant(id: string, amount = 1000, currency = 'EUR') {
  return { id, amount, currency };
}

/** A payer's browser at work, with a token: each request under a new idempotency key unless one is given. */
export class Payer {
  readonly token: string;
  readonly #gateway: TestGateway;

  constructor(gateway: TestGateway, token: string) {
    this.#gateway = gateway;
    this.token = token;
  }

  static async of(gateway: TestGateway, input: TokenInput): Promise<Payer> {
    return new Payer(gateway, await makeToken(gateway, input));
  }

  /** Pays orders, with a card that is approved unless something else is given. */
  async payOrders(ids: readonly string[], given: Partial<PayOrdersInput> = {}) {
    const method = given.card === undefined && given.paymentMethodId === undefined ? { card: card() } : {};
    const orders = ids.map((id) => ({ id }));
    const input = { idempotencyKey: randomUUID(), orders, ...method, ...given };
    return (await this.#gateway.execute(PayOrdersDocument, { input }, { key: this.token })).payOrders;
  }

  /** Orders that are paid: it was not refused. */
  async paid(ids: readonly string[], given: Partial<PayOrdersInput> = {}) {
    return only(await this.payOrders(ids, given), 'PayOrdersPayload').payment;
  }

  async process(given: Omit<ProcessPaymentInput, 'idempotencyKey'> & { idempotencyKey?: string }) {
    const input = { idempotencyKey: randomUUID(), ...given };
    return (await this.#gateway.execute(PayPaymentDocument, { input }, { key: this.token })).processPayment;
  }

  async update(input: UpdatePaymentInput) {
    return (await this.#gateway.execute(UpdatePaymentDocument, { input }, { key: this.token })).updatePayment;
  }

  /** Any document, with whatever comes of it. */
  request<R>(document: { toString(): string }, variables?: unknown) {
    return this.#gateway.request<R>(document, variables, { key: this.token });
  }
}
