import { setTimeout as delay } from 'node:timers/promises';
import {
  CancelPaymentDocument,
  CapturePaymentDocument,
  CreatePaymentDocument,
  PaymentDocument,
  ProcessPaymentDocument,
  RefundPaymentDocument,
  type CancelPaymentInput,
  type CapturePaymentInput,
  type CreatePaymentInput,
  type PaymentFieldsFragment,
  type ProcessPaymentInput,
  type RefundPaymentInput,
} from '../../generated/operations/graphql.ts';
import { rowId, snapshotOf, type Answer, type Memory, type Mutation, type Request } from './memory.ts';
import type { Random } from './random.ts';

const DOCUMENTS = {
  createPayment: CreatePaymentDocument,
  processPayment: ProcessPaymentDocument,
  capturePayment: CapturePaymentDocument,
  cancelPayment: CancelPaymentDocument,
  refundPayment: RefundPaymentDocument,
} as const;

/** What each mutation is given, besides the key that the client draws. */
export interface Inputs {
  createPayment: Omit<CreatePaymentInput, 'idempotencyKey'>;
  processPayment: Omit<ProcessPaymentInput, 'idempotencyKey'>;
  capturePayment: Omit<CapturePaymentInput, 'idempotencyKey'>;
  cancelPayment: Omit<CancelPaymentInput, 'idempotencyKey'>;
  refundPayment: Omit<RefundPaymentInput, 'idempotencyKey'>;
}

/** A member of any mutation's result, as it comes over the wire. */
interface Result {
  readonly code?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
  readonly replayed?: boolean;
  readonly payment?: PaymentFieldsFragment;
  readonly capture?: Movement;
  readonly refund?: Movement;
}

interface Movement {
  readonly id: string;
  readonly status: string;
  readonly amount: { readonly amount: number };
}

export interface ClientOptions {
  readonly name: string;
  /** Where the gateways are, or were last. */
  readonly gateways: readonly { readonly url: string }[];
  readonly apiKey: string;
  readonly random: Random;
  readonly memory: Memory;
}

const REQUEST_MS = 8_000;
const PAUSE_MS = { from: 30, to: 400 };
/** A request that has no definite answer by then never gets one. */
const PATIENCE_MS = 60_000;
/** A request that is sent to both gateways at once; and one that is sent again after its answer. */
const TWIN_CHANCE = 0.06;
const AGAIN_CHANCE = 0.05;

/** A merchant's server: sends each request under its key until there is a definite answer. */
export class Client {
  readonly #options: ClientOptions;
  #keys = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Sends a mutation. @returns the payment as it was answered; undefined where the request was refused */
  async mutate<M extends Mutation>(mutation: M, input: Inputs[M]): Promise<PaymentFieldsFragment | undefined> {
    const { memory, random, name } = this.#options;
    const key = `${name}-${++this.#keys}`;
    const request: Request = {
      mutation,
      key,
      paymentId: 'paymentId' in input ? rowId(input.paymentId) : null,
      amount: 'amount' in input && input.amount != null ? BigInt(input.amount) : null,
      sent: 0,
      lost: 0,
      answers: [],
    };
    memory.requests.push(request);
    // The one thing by which a payment tells under which key it was asked for.
    const variables = { input: { ...input, idempotencyKey: key, ...('currency' in input && { metadata: { key } }) } };
    if (random.chance(TWIN_CHANCE)) {
      memory.counts.twins++;
      const [one, other] = await Promise.all([
        this.#pursue(request, variables, 0),
        this.#pursue(request, variables, 1),
      ]);
      return one ?? other;
    }
    const payment = await this.#pursue(request, variables);
    if (!random.chance(AGAIN_CHANCE)) return payment;
    memory.counts.resent++;
    return this.#pursue(request, variables);
  }

  /** A payment as it stands; undefined where it cannot be read, which is a complaint. */
  async read(id: string): Promise<PaymentFieldsFragment | undefined> {
    const { memory } = this.#options;
    const endAt = performance.now() + PATIENCE_MS;
    while (performance.now() < endAt) {
      const data = await this.#send<{ payment: PaymentFieldsFragment | null }>(PaymentDocument, { id });
      if (data?.payment === null) {
        memory.complaints.push(`payment ${id}, which was answered before, cannot be found`);
        return undefined;
      }
      if (data !== undefined) {
        memory.reads.push(snapshotOf(data.payment));
        return data.payment;
      }
      await this.#pause();
    }
    memory.complaints.push(`payment ${id} could not be read in ${PATIENCE_MS} ms`);
    return undefined;
  }

  /** Sends one request again and again until there is a definite answer. */
  async #pursue(request: Request, variables: unknown, first?: number): Promise<PaymentFieldsFragment | undefined> {
    const { memory } = this.#options;
    const endAt = performance.now() + PATIENCE_MS;
    let gateway = first;
    while (performance.now() < endAt) {
      request.sent++;
      const sentAt = performance.now();
      const data = await this.#send<Record<Mutation, Result>>(DOCUMENTS[request.mutation], variables, gateway);
      gateway = undefined;
      const result = data?.[request.mutation];
      if (result === undefined) {
        request.lost++;
        memory.counts.lost++;
      } else if (result.code === 'IDEMPOTENCY_IN_PROGRESS') {
        memory.counts.inProgress++;
      } else if (result.code !== 'PROCESSOR_UNAVAILABLE') {
        request.answers.push(answerOf(result, sentAt));
        return result.payment;
      }
      await this.#pause();
    }
    memory.complaints.push(`${request.mutation} ${request.key} got no definite answer in ${PATIENCE_MS} ms`);
    return undefined;
  }

  /** Sends an operation to one of the gateways. @returns its data; undefined where none came */
  async #send<D>(document: { toString(): string }, variables: unknown, gateway?: number): Promise<D | undefined> {
    const { gateways, apiKey, random, memory } = this.#options;
    const { url } = gateways[gateway ?? random.integer(0, gateways.length - 1)] ?? {};
    memory.counts.sent++;
    try {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query: document.toString(), variables }),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      const { data, errors } = (await response.json()) as { data?: D; errors?: readonly unknown[] };
      if (errors === undefined && data != null) return data;
      if (!JSON.stringify(errors).includes('INTERNAL_SERVER_ERROR')) {
        memory.complaints.push(`a request was answered with ${response.status} ${JSON.stringify(errors)}`);
      }
      memory.counts.internalErrors++;
    } catch {
      // Refused, reset, cut off or too late: whether it was done, nobody here knows.
    }
    return undefined;
  }

  async #pause(): Promise<void> {
    await delay(this.#options.random.integer(PAUSE_MS.from, PAUSE_MS.to));
  }
}

function answerOf(result: Result, sentAt: number): Answer {
  const at = { sentAt, receivedAt: performance.now() };
  const { payment, code, message } = result;
  if (payment === undefined) return { ...at, accepted: false, code: code ?? '', message: message ?? '' };
  const movement = result.capture ?? result.refund;
  return {
    ...at,
    accepted: true,
    replayed: result.replayed === true,
    snapshot: snapshotOf(payment),
    movement:
      movement === undefined
        ? null
        : { id: rowId(movement.id), status: movement.status, amount: BigInt(movement.amount.amount) },
  };
}
