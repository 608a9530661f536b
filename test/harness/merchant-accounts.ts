import { randomUUID } from 'node:crypto';
import {
  CreatePaymentMethodDocument,
  CreateProcessorAccountDocument,
  ProcessorAccountsDocument,
  TestProcessorAccountDocument,
  UpdateProcessorAccountDocument,
  type CreateProcessorAccountInput,
  type PaymentFieldsFragment,
  type ProcessorAccountFieldsFragment,
  type UpdateProcessorAccountInput,
} from '../../generated/operations/graphql.ts';
import { TOKENS, type FarBook } from './far-book.ts';
import { NOTIFICATION_SECRET, type FarProcessor, type SignedNotification } from './far-processor.ts';
import { only, type TestGateway } from './gateway.ts';
import { Till } from './till.ts';

type Key = keyof TestGateway['keys'];

export type Account = ProcessorAccountFieldsFragment;

/** A merchant with accounts at the processor outside (see far-processor.ts). */
export class MerchantAccounts {
  readonly till: Till;
  readonly #gateway: () => TestGateway;
  readonly #key: Key;

  constructor(gateway: () => TestGateway, key: Key = 'test') {
    this.#gateway = gateway;
    this.#key = key;
    this.till = new Till(gateway, key);
  }

  get #options(): { key: string } {
    return { key: this.#gateway().keys[this.#key] };
  }

  async create(input: Partial<CreateProcessorAccountInput> = {}) {
    const name = `Account ${randomUUID()}`;
    const notificationSecrets = [NOTIFICATION_SECRET];
    const whole = {
      name,
      processor: 'STRIPE',
      secretKey: 'sk_test_shop_00001234',
      notificationSecrets,
      ...input,
    } as const;
    return (await this.#gateway().execute(CreateProcessorAccountDocument, { input: whole }, this.#options))
      .createProcessorAccount;
  }

  /** An account that was not refused. */
  async open(input: Partial<CreateProcessorAccountInput> = {}): Promise<Account> {
    return only(await this.create(input), 'CreateProcessorAccountPayload').processorAccount;
  }

  /** An account of a merchant of the processor's that has no other. */
  async openShop(
    far: FarProcessor,
  ): Promise<{ readonly account: Account; readonly merchant: string; readonly book: FarBook }> {
    const merchant = `shop${randomUUID().slice(0, 8)}`;
    const account = await this.open({ secretKey: `sk_test_${merchant}_00001234`, name: merchant });
    return { account, merchant, book: far.book(merchant) };
  }

  async list(): Promise<Account[]> {
    return (await this.#gateway().execute(ProcessorAccountsDocument, {}, this.#options)).processorAccounts;
  }

  async update(input: UpdateProcessorAccountInput) {
    return (await this.#gateway().execute(UpdateProcessorAccountDocument, { input }, this.#options))
      .updateProcessorAccount;
  }

  /** An update that was not refused. */
  async change(accountId: string, input: Omit<UpdateProcessorAccountInput, 'accountId'>): Promise<Account> {
    return only(await this.update({ accountId, ...input }), 'UpdateProcessorAccountPayload').processorAccount;
  }

  async test(accountId: string) {
    const variables = { input: { accountId } };
    return (await this.#gateway().execute(TestProcessorAccountDocument, variables, this.#options)).testProcessorAccount;
  }

  async store(processorAccountId: string, id: string = TOKENS.good, customerId?: string) {
    const input = { customerId: customerId ?? null, token: { processorAccountId, id } };
    return (await this.#gateway().execute(CreatePaymentMethodDocument, { input }, this.#options)).createPaymentMethod;
  }

  /** The id of a payment method from a token that was not refused. */
  async token(processorAccountId: string, id?: string, customerId?: string): Promise<string> {
    const stored = await this.store(processorAccountId, id, customerId);
    return only(stored, 'CreatePaymentMethodPayload').paymentMethod.id;
  }

  /** A payment that was charged in an account, with a token of it. */
  async pay(
    { id }: Pick<Account, 'id'>,
    input: Parameters<Till['pay']>[0] & { readonly token?: string } = {},
  ): Promise<PaymentFieldsFragment> {
    const { token, ...rest } = input;
    return this.till.pay({ paymentMethodId: await this.token(id, token), ...rest });
  }
}

/** Sends a notification as a processor does. @returns the answer's status */
export async function notify(
  { notificationUrl }: Pick<Account, 'notificationUrl'>,
  { body, signature }: SignedNotification,
): Promise<number> {
  const headers = { 'content-type': 'application/json', 'far-signature': signature };
  const answer = await fetch(notificationUrl, { method: 'POST', headers, body: new Uint8Array(body) });
  await answer.text();
  return answer.status;
}
