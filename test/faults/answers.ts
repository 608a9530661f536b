import type { IdempotencyKey } from '../../generated/prisma/client.ts';
import type { Books, Discrepancy, PaymentFile } from './books.ts';
import type { Answer, Memory, Request, Snapshot } from './memory.ts';

/** Refusals that a client who asks for what it was answered can never get. */
const NEVER = ['NOT_FOUND', 'INVALID_INPUT', 'IDEMPOTENCY_KEY_REUSED', 'CARD_REFUSED'];

/** States that nothing leads out of. */
const FINAL_ATTEMPTS = ['SUCCEEDED', 'FAILED', 'CANCELED', 'EXPIRED'];

type Accepted = Extract<Answer, { accepted: true }>;

/** Whether every answer that a client received still holds, and every key had one effect. */
export function checkAnswers(memory: Memory, books: Books): Discrepancy[] {
  const check = new AnswerCheck(books);
  return [
    ...memory.complaints.map((text) => ({ rule: 'every request is answered', paymentId: null, text })),
    ...memory.requests.flatMap((request) => [...check.checkRequest(request)]),
    ...memory.reads.flatMap((snapshot) => [...check.checkSnapshot(snapshot, 'what was read')]),
    ...check.checkEffects(memory.requests),
  ];
}

class AnswerCheck {
  readonly #books: Books;
  readonly #files: ReadonlyMap<string, PaymentFile>;
  readonly #keys: ReadonlyMap<string, IdempotencyKey>;

  constructor(books: Books) {
    this.#books = books;
    this.#files = new Map(books.payments.map((file) => [file.payment.id, file]));
    this.#keys = new Map(books.keys.map((key) => [`${key.operation} ${key.key}`, key]));
  }

  *checkRequest(request: Request): Generator<Discrepancy> {
    const name = `${request.mutation} ${request.key}`;
    const row = this.#keys.get(name);
    const accepted = request.answers.filter((answer) => answer.accepted);
    const discrepancy = (rule: string, text: string): Discrepancy => {
      const paymentId = accepted[0]?.snapshot.paymentId ?? row?.paymentId ?? request.paymentId;
      return { rule, paymentId, text: `${name}: ${text}` };
    };
    for (const answer of request.answers) {
      if (answer.accepted) {
        yield* this.#checkAccepted(request, answer, row, discrepancy);
        continue;
      }
      if (NEVER.includes(answer.code)) {
        yield discrepancy('a refusal has its reason', `${answer.code}: ${answer.message}`);
      }
      const before = accepted.find(({ receivedAt }) => receivedAt < answer.sentAt);
      if (before !== undefined) yield discrepancy('what was accepted is not refused later', answer.code);
    }
    if (accepted.filter(({ replayed }) => !replayed).length > 1) {
      yield discrepancy('a key has one effect', 'it was done for the first time twice');
    }
    // With a try that nobody heard of, a key that was refused later or earlier may have had its effect.
    if (accepted.length === 0 && request.answers.length > 0 && request.lost === 0 && row !== undefined) {
      yield discrepancy('a refused request leaves its key', `it made ${row.resourceId}`);
    }
  }

  *#checkAccepted(
    request: Request,
    answer: Accepted,
    row: IdempotencyKey | undefined,
    discrepancy: (rule: string, text: string) => Discrepancy,
  ): Generator<Discrepancy> {
    const { snapshot, movement } = answer;
    const resourceId = movement?.id ?? snapshot.paymentId;
    if (row?.resourceId !== resourceId || row.paymentId !== snapshot.paymentId) {
      yield discrepancy(
        'a key names what was answered',
        `${resourceId} was answered, the key names ${row?.resourceId}`,
      );
    }
    if (request.paymentId !== null && request.paymentId !== snapshot.paymentId) {
      yield discrepancy('a key names what was answered', `the answer is about the payment ${snapshot.paymentId}`);
    }
    yield* this.checkSnapshot(snapshot, `the answer to ${request.mutation} ${request.key}`);
    const file = this.#files.get(snapshot.paymentId);
    if (file === undefined) return;
    if (request.mutation === 'createPayment' && file.payment.amount !== request.amount) {
      yield discrepancy(
        'an answer still holds',
        `${request.amount} was asked for, the payment has ${file.payment.amount}`,
      );
    }
    if (movement === null) return;
    const stored = [...file.captures, ...file.refunds].find(({ id }) => id === movement.id);
    const asked = request.amount ?? movement.amount;
    if (stored?.amount !== asked || movement.amount !== asked) {
      const text = `${movement.amount} was answered to a request for ${asked}, and ${stored?.amount} is stored`;
      yield discrepancy('an answer still holds', text);
    }
  }

  /** The log has an event with just this, and what was final in the answer is so still. */
  *checkSnapshot(snapshot: Snapshot, source: string): Generator<Discrepancy> {
    const { paymentId, sequence } = snapshot;
    const rule = 'an answer still holds';
    const file = this.#files.get(paymentId);
    if (file === undefined) {
      yield { rule, paymentId, text: `${source}: the payment is gone` };
      return;
    }
    const event = file.events.find((each) => each.sequence === sequence);
    for (const name of ['status', 'refundStatus', ...AMOUNTS] as const) {
      if (event?.[name] === snapshot[name]) continue;
      yield {
        rule,
        paymentId,
        text: `${source} had ${name} ${snapshot[name]} at ${sequence}, the log has ${event?.[name]}`,
      };
    }
    for (const text of changedEnds(snapshot, file)) yield { rule, paymentId, text: `${source}: ${text}` };
  }

  /** Each payment, capture and refund was asked for under one key, and each key made one. */
  *checkEffects(requests: readonly Request[]): Generator<Discrepancy> {
    const rule = 'a key has one effect';
    const asked = new Set(requests.filter(({ mutation }) => mutation === 'createPayment').map(({ key }) => key));
    const made = new Map<string, string>();
    const named = Map.groupBy(this.#books.keys, ({ operation, resourceId }) => `${operation} ${resourceId}`);
    const count = (operation: string, id: string): number => named.get(`${operation} ${id}`)?.length ?? 0;
    const charged = Map.groupBy(this.#books.keys, ({ operationId }) => operationId);
    for (const { payment, attempts, captures, refunds, operations } of this.#books.payments) {
      const paymentId = payment.id;
      const { key } = payment.metadata as { key?: string };
      const other = made.get(key ?? '');
      if (key === undefined || !asked.has(key)) yield { rule, paymentId, text: 'nobody asked for the payment' };
      else if (other !== undefined) yield { rule, paymentId, text: `${key} made this payment and ${other}` };
      made.set(key ?? '', paymentId);
      if (count('createPayment', paymentId) !== 1) yield { rule, paymentId, text: 'the payment has not one key' };
      for (const { id, attemptId } of operations.filter(({ kind }) => kind === 'CHARGE')) {
        const isAsked = attempts.some((attempt) => attempt.id === attemptId && attempt.kind !== 'SCHEDULED_RETRY');
        const keys = charged.get(id)?.length ?? 0;
        if (isAsked && keys !== 1) yield { rule, paymentId, text: `charge ${id} has ${keys} keys` };
      }
      for (const { id } of captures) {
        const keys = operations.some(({ captureId }) => captureId === id) ? 1 : 0;
        if (count('capturePayment', id) !== keys) yield { rule, paymentId, text: `capture ${id} has not ${keys} keys` };
      }
      for (const { id } of refunds) {
        if (count('refundPayment', id) !== 1) yield { rule, paymentId, text: `refund ${id} has not one key` };
      }
    }
    for (const { operation, key, paymentId } of this.#books.keys) {
      if (!this.#files.has(paymentId))
        yield { rule, paymentId, text: `${operation} ${key} names a payment that is gone` };
    }
  }
}

const AMOUNTS = ['amountAuthorized', 'amountCaptured', 'amountRefunding', 'amountRefunded'] as const;

/** Attempts, captures and refunds that had come to their end in an answer, and to another one since. */
function* changedEnds(snapshot: Snapshot, file: PaymentFile): Generator<string> {
  for (const { id, status } of snapshot.attempts) {
    const now = file.attempts.find((attempt) => attempt.id === id);
    // A charge may be heard of after it was given up: the flag tells what became of it.
    const holds = now !== undefined && (!FINAL_ATTEMPTS.includes(status) || now.status === status || now.flag !== null);
    if (!holds) yield `attempt ${id} was ${status} and is ${now?.status ?? 'gone'}`;
  }
  for (const { id, status } of snapshot.captures) {
    const now = file.captures.find((capture) => capture.id === id);
    const holds = now !== undefined && (status === 'PENDING' || now.status === status);
    if (!holds) yield `capture ${id} was ${status} and is ${now?.status ?? 'gone'}`;
  }
  for (const { id, status } of snapshot.refunds) {
    const now = file.refunds.find((refund) => refund.id === id);
    // A bank may send the money back.
    const isReturned = status === 'SUCCEEDED' && now?.status === 'FAILED' && now.failureCode === 'returned';
    const holds = now !== undefined && (status === 'PENDING' || now.status === status || isReturned);
    if (!holds) yield `refund ${id} was ${status} and is ${now?.status ?? 'gone'}`;
  }
}
