import { randomUUID } from 'node:crypto';
import type { RequestOptions, TestGateway } from '../harness/gateway.ts';

/** Mutations that move no money, and take no idempotency key. */
const KEYLESS = ['updatePayment', 'createClientToken', 'createCustomer'];

/**
 * Someone who comes from another system: each row of docs/coming-from.md is asked for by an operation that is written
 * out, over HTTP, and answered with what it asked for.
 */
export class Desk {
  readonly #gateway: () => TestGateway;
  readonly #options: RequestOptions;

  /** @param options of every request: a client token, for instance */
  constructor(gateway: () => TestGateway, options: RequestOptions = {}) {
    this.#gateway = gateway;
    this.#options = options;
  }

  /** The same desk with a key or a client token of its own. */
  as(key: string): Desk {
    return new Desk(this.#gateway, { key });
  }

  /** The answer's data. @throws if it has errors */
  async ask<R = unknown>(operation: string, variables: object = {}, options = this.#options): Promise<R> {
    const { data, errors, text } = await this.#gateway().request<R>(operation, variables, options);
    if (errors !== undefined || data == null) throw new Error(`the answer has errors: ${text}`);
    return data;
  }

  /** So much of a payment. */
  async payment<R = unknown>(id: string, fields: string): Promise<R> {
    const operation = `query ($id: ID!) { payment(id: $id) { ${fields} } }`;
    return (await this.ask<{ payment: R }>(operation, { id })).payment;
  }

  /** What a mutation answers: its payload, or the error. */
  async mutate<R = unknown>(name: string, input: object, payload: string): Promise<R> {
    const { operation, variables } = mutation(name, input, payload);
    return (await this.ask<Record<string, R>>(operation, variables))[name] as R;
  }

  /** A token for the browser of a customer, who may pay what is granted. */
  async tokenFor(customerId: string, grants: readonly object[] = [], scopes = ['READ', 'PAY']): Promise<string> {
    const made = await this.mutate<{ token: string }>('createClientToken', { customerId, grants, scopes }, 'token');
    return made.token;
  }

  /** When what happened to a payment happened, by the kind of event. */
  async times(id: string): Promise<Record<string, string>> {
    type Answer = { events: { edges: { node: { type: string; createdAt: string } }[] } };
    const { events } = await this.payment<Answer>(id, 'events(first: 100) { edges { node { type createdAt } } }');
    return Object.fromEntries(events.edges.map(({ node }) => [node.type, node.createdAt]));
  }
}

/** The text of a mutation and its variables; it gets an idempotency key if it needs one and has none. */
export function mutation(name: string, input: object, payload: string) {
  const verbNoun = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const operation = `mutation ($input: ${verbNoun}Input!) {
    ${name}(input: $input) { __typename ... on ${verbNoun}Payload { ${payload} } ... on Error { code message path } }
  }`;
  const key = KEYLESS.includes(name) ? {} : { idempotencyKey: randomUUID() };
  return { operation, variables: { input: { ...key, ...input } } };
}
