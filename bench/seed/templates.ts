import type { Target } from '../load.ts';

/** A payment that the gateway made itself: what the rows of thousands are copied from. */
export interface Template {
  readonly paymentId: string;
  /** How many in 20 are like it. */
  readonly share: number;
}

/** The payer of all templates, with a stored card: what the rows of thousands of customers are copied from. */
export interface Person {
  readonly customerId: string;
  readonly paymentMethodId: string;
}

export const GOOD_CARD = '4242424242424242';
const DECLINED_CARD = '4000000000000002';

/** All amounts of a template are multiplied by what is drawn for a copy, so that its sums stay sums. */
const AMOUNT = 4;
const PART = 1;

const PAYMENT = 'payment { id status }';
const PATIENCE_MS = 120_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Takes payments as merchants do: most are paid at once, some at the second attempt, some are given back in part or
 * whole, a few are captured later or fail. Of 20, 26 attempts and 2 refunds.
 */
export async function makeTemplates(target: Target): Promise<{ person: Person; templates: Template[] }> {
  const shop = new Shop(target);
  const person = await shop.person();
  const templates = [
    { share: 11, paymentId: await shop.paid() },
    { share: 5, paymentId: await shop.paidAtLast() },
    { share: 1, paymentId: await shop.refund(await shop.paid(), PART) },
    { share: 1, paymentId: await shop.refund(await shop.paidAtLast(), AMOUNT) },
    { share: 1, paymentId: await shop.capturedLater() },
    { share: 1, paymentId: await shop.declined() },
  ];
  // What the sandbox still had to pay out would be due at once for every copy.
  await shop.untilSettled(templates.length - 1);
  return { person, templates };
}

class Shop {
  readonly #target: Target;
  #person: Person | undefined;
  #keys = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  async person(): Promise<Person> {
    const customer = await this.#mutate('createCustomer', 'customer { id }', {
      email: 'jenny@example.com',
      firstName: 'Jenny',
      lastName: 'Rosen',
      address: { line1: 'Hauptstr. 1', city: 'Berlin', postalCode: '10115', country: 'DE' },
    });
    const customerId = idOf(customer['customer']);
    const stored = await this.#mutate('createPaymentMethod', 'paymentMethod { id }', {
      customerId,
      card: card(GOOD_CARD),
    });
    this.#person = { customerId, paymentMethodId: idOf(stored['paymentMethod']) };
    return { customerId: uuidOf(customerId), paymentMethodId: uuidOf(this.#person.paymentMethodId) };
  }

  paid(): Promise<string> {
    return this.#create({ paymentMethodId: this.#person?.paymentMethodId });
  }

  declined(): Promise<string> {
    return this.#create({ card: card(DECLINED_CARD) });
  }

  async paidAtLast(): Promise<string> {
    const paymentId = await this.declined();
    const input = { paymentId: `pay_${paymentId}`, paymentMethodId: this.#person?.paymentMethodId };
    await this.#mutate('processPayment', PAYMENT, { ...this.#key(), ...input });
    return paymentId;
  }

  async capturedLater(): Promise<string> {
    const paymentId = await this.#create({
      paymentMethodId: this.#person?.paymentMethodId,
      captureMethod: 'MANUAL',
    });
    await this.#mutate('capturePayment', PAYMENT, { ...this.#key(), paymentId: `pay_${paymentId}` });
    return paymentId;
  }

  async refund(paymentId: string, amount: number): Promise<string> {
    await this.#mutate('refundPayment', PAYMENT, {
      ...this.#key(),
      paymentId: `pay_${paymentId}`,
      amount,
      reason: 'returned',
    });
    return paymentId;
  }

  async untilSettled(count: number): Promise<void> {
    const query = '{ payments(first: 100) { edges { node { id settledAt } } } }';
    for (const end = Date.now() + PATIENCE_MS; ;) {
      const data = await post(this.#target, { query });
      const { edges } = data['payments'] as { edges: { node: { settledAt: string | null } }[] };
      if (edges.filter(({ node }) => node.settledAt !== null).length >= count) return;
      if (Date.now() > end) throw new Error('the sandbox did not settle what was captured');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #create(fields: Fields): Promise<string> {
    const result = await this.#mutate('createPayment', PAYMENT, {
      ...this.#key(),
      amount: AMOUNT,
      currency: 'EUR',
      customerId: this.#person?.customerId,
      description: 'Order of two things',
      destinations: [
        { type: 'ORDER', id: 'ord_1', number: '1', amount: AMOUNT - PART },
        { type: 'INVOICE', id: 'inv_1', number: '1', amount: PART },
      ],
      metadata: { shop: 'web' },
      process: true,
      ...fields,
    });
    return uuidOf(idOf(result['payment']));
  }

  #key(): Fields {
    return { idempotencyKey: `template-${this.#keys++}` };
  }

  async #mutate(name: string, selection: string, input: Fields): Promise<Fields> {
    const [first = ''] = name;
    const type = `${first.toUpperCase()}${name.slice(1)}`;
    const query = `mutation($input: ${type}Input!) { ${name}(input: $input) { __typename ... on ${type}Payload { ${selection} } ... on Error { message } } }`;
    const result = (await post(this.#target, { query, variables: { input } }))[name] as Fields;
    if (result['__typename'] !== `${type}Payload`) throw new Error(`${name}: ${JSON.stringify(result)}`);
    return result;
  }
}

async function post({ url, headers }: Target, body: object): Promise<Fields> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { data, errors } = (await response.json()) as { data?: Fields; errors?: unknown };
  if (data === undefined || errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

export function card(number: string): Fields {
  return { number, expMonth: 12, expYear: new Date().getUTCFullYear() + 5, cvc: '123', holderName: 'Jenny Rosen' };
}

function idOf(node: unknown): string {
  return (node as { id: string }).id;
}

function uuidOf(id: string): string {
  return id.slice(id.indexOf('_') + 1);
}
