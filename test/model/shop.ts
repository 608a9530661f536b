import { deliverNotifications } from '../../src/processors/sandbox/notifications.ts';
import { SandboxBooks } from '../../src/processors/sandbox/books.ts';
import { Sandbox, SANDBOX } from '../../src/processors/sandbox/sandbox.ts';
import { receiveNotification } from '../../src/due/notifications.ts';
import { recoverDue } from '../../src/due/recover.ts';
import { unreachable } from '../../src/domain/result.ts';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import type { TestGateway } from '../harness/gateway.ts';
import type { Interposed } from '../harness/interposed.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import type { Observation } from './explain.ts';
import { Faults, type Delayed, type Fate } from './faults.ts';
import { CARDS, type CardName, type Request, type View } from './model.ts';
import { expectAgreement } from './reconcile.ts';
import type { Verdict } from './requests.ts';

/** How long a pending charge or refund of the sandbox takes. */
export const DELAY_MS = 20;

/** What may go on while clients ask: a round of recovery, of notifications, or effects that come late. */
export const ROUNDS = ['recover', 'notify', 'arrive'] as const;
export type Round = (typeof ROUNDS)[number];

type Answered = Awaited<ReturnType<Till['capture' | 'create' | 'refund' | 'cancel' | 'process']>>;

/** An environment of one run's own, and the clients that are at work in it. */
export class Shop {
  readonly #gateway: TestGateway;
  readonly #books: SandboxBooks;
  readonly #faults: Faults;
  readonly #till: Till;
  /** What each key made. */
  readonly #made = new Map<string, string>();
  readonly #environmentId: string;

  private constructor(gateway: TestGateway, interposed: Interposed, fates: readonly Fate[], id: string, key: string) {
    this.#gateway = gateway;
    this.#environmentId = id;
    this.#books = new SandboxBooks(gateway.app.gateway.database.pool);
    this.#faults = new Faults(fates, this.#books);
    this.#faults.standBetween(interposed, new Sandbox(this.#books, { delayMs: DELAY_MS }));
    this.#till = new Till(() => ({ ...gateway, keys: { ...gateway.keys, test: key } }));
  }

  static async open(gateway: TestGateway, interposed: Interposed, fates: readonly Fate[]): Promise<Shop> {
    const { database } = gateway.app.gateway;
    const { test } = await addAccount(database, { name: 'A run', newId });
    const key = await addKey(database, { id: newId(), environment: test, name: 'run' });
    return new Shop(gateway, interposed, fates, test.id, key);
  }

  /** The gateway's rows agree with each other and with the sandbox's books. */
  expectAgreement(): Promise<void> {
    return expectAgreement(this.#gateway.app.gateway.database.pool, this.#environmentId);
  }

  /** Rows of this run's environment, which the statement calls $1. */
  async #query<R extends object>(text: string): Promise<R[]> {
    return (await this.#gateway.app.gateway.database.pool.query<R>(text, [this.#environmentId])).rows;
  }

  /** @param paymentId of the payment that it is about; undefined where it is created */
  async send(request: Request, paymentId: string | undefined): Promise<Observation & { readonly paymentId: string }> {
    const answer = await until(async () => {
      const given = await this.#ask(request, paymentId ?? '');
      // Calls have 300 ms here. Where the machine stood still while the card was handed over, nothing was done.
      return given.__typename !== 'ProcessorUnavailableError' && given;
    });
    const verdict = verdictOf(answer);
    if (!('payment' in answer)) return { request, verdict, payment: null, paymentId: paymentId ?? '' };
    this.#checkIdentity(request, answer);
    return { request, verdict, payment: viewOf(answer.payment), paymentId: answer.payment.id };
  }

  #ask(request: Request, paymentId: string): Promise<Answered> {
    const { type, key: idempotencyKey, ...rest } = request;
    switch (type) {
      case 'create': {
        const { amount, manual, process } = request;
        const captureMethod = manual ? 'MANUAL' : 'AUTOMATIC';
        return this.#till.create({ idempotencyKey, amount, captureMethod, process, ...cardOf(request.card) });
      }
      case 'process':
        return this.#till.process({ idempotencyKey, paymentId, ...cardOf(request.card) });
      case 'capture':
        return this.#till.capture({ idempotencyKey, paymentId, ...rest });
      case 'refund':
        return this.#till.refund({ idempotencyKey, paymentId, ...rest });
      case 'cancel':
        return this.#till.cancel({ idempotencyKey, paymentId });
      default:
        return unreachable(request);
    }
  }

  /** A key makes one thing, however often it is sent. */
  #checkIdentity({ type, key }: Request, answer: Extract<Answered, { payment: object }>): void {
    const made = 'capture' in answer ? answer.capture : 'refund' in answer ? answer.refund : answer.payment;
    const before = this.#made.get(`${type} ${key}`);
    if (before !== undefined && before !== made.id) throw new Error(`${type} ${key} made ${before} and ${made.id}`);
    this.#made.set(`${type} ${key}`, made.id);
  }

  read(paymentId: string) {
    return this.#till.read(paymentId);
  }

  async run(round: Round): Promise<void> {
    const { gateway } = this.#gateway.app;
    switch (round) {
      case 'recover':
        await recoverDue(gateway);
        break;
      case 'notify':
        await deliverNotifications(this.#books, (notification) => receiveNotification(gateway, notification));
        break;
      case 'arrive':
        await Promise.all(this.#faults.takeDelayed().map((effect) => this.#arrive(effect)));
        break;
      default:
        unreachable(round);
    }
  }

  async #arrive({ key, happen }: Delayed): Promise<void> {
    await happen();
    await this.#tell(key);
  }

  /** Runs every round until nothing is under way on either side; and again, after everything was told once more. */
  async settle(): Promise<void> {
    await this.#settleOnce();
    const told = await this.#query<{ key: string }>(BOOKED);
    await Promise.all(told.map(({ key }) => this.#tell(key)));
    await this.#settleOnce();
  }

  async #settleOnce(): Promise<void> {
    let underWay: readonly object[] = [];
    await until(async () => {
      await Promise.all([this.run('recover'), this.run('notify')]);
      underWay = await this.#query(UNDER_WAY);
      return underWay.length === 0;
    }).catch((cause: unknown) => {
      throw new Error(`something stays under way: ${JSON.stringify(underWay)}`, { cause });
    });
  }

  #tell(key: string): Promise<void> {
    return receiveNotification(this.#gateway.app.gateway, { processor: SANDBOX, merchant: this.#environmentId, key });
  }
}

/** What the sandbox has booked of what the gateway asked for. */
const BOOKED = `
  SELECT processor_key AS key FROM operation
  WHERE environment_id = $1::uuid AND processor_key IN (
    SELECT key FROM sandbox_charge WHERE merchant = $1::uuid::text
    UNION ALL SELECT key FROM sandbox_movement WHERE merchant = $1::uuid::text)`;

/** What an operator was told of waits for the operator. */
const UNDER_WAY = `
  SELECT id::text, kind::text, status::text, recover_at::text AS at, now()::text FROM operation
  WHERE environment_id = $1::uuid AND status <> 'RAISED'
    AND (status <> 'COMPLETED' OR recover_at <= now() + interval '1 minute')
  UNION ALL SELECT id, 'charge', status, next_at::text, now()::text FROM sandbox_charge
  WHERE merchant = $1::uuid::text AND (notify OR next_at <= now() + interval '1 minute')
  UNION ALL SELECT id, kind, status, next_at::text, now()::text FROM sandbox_movement
  WHERE merchant = $1::uuid::text AND (notify OR next_at <= now() + interval '1 minute')`;

function cardOf(name: CardName | null) {
  return name === null ? {} : { card: card(CARDS[name].number) };
}

function verdictOf(answer: Answered): Verdict {
  switch (answer.__typename) {
    case 'IllegalStateError':
      return { is: answer.__typename, status: answer.status };
    case 'RefundTooLargeError':
      return { is: answer.__typename, maximum: answer.maximumRefundable.amount };
    case 'CaptureTooLargeError':
      return { is: answer.__typename, maximum: answer.maximumCapturable.amount };
    case 'InvalidInputError':
    case 'IdempotencyKeyReusedError':
    case 'IdempotencyInProgressError':
      return { is: answer.__typename };
    case 'NotFoundError':
    case 'ForbiddenError':
    case 'CardRefusedError':
    case 'AlreadyPaidError':
    case 'TooManyAttemptsError':
    case 'ProcessorUnavailableError':
      throw new Error(`nothing called for this answer: ${JSON.stringify(answer)}`);
    default:
      return { is: 'done', replayed: answer.replayed };
  }
}

export function viewOf(payment: Awaited<ReturnType<Till['read']>>): View {
  return {
    status: payment.status,
    refundStatus: payment.refundStatus,
    authorized: payment.amountAuthorized.amount,
    captured: payment.amountCaptured.amount,
    reversed: payment.amountReversed.amount,
    refunding: payment.amountRefundPending.amount,
    refunded: payment.amountRefunded.amount,
    capturable: payment.maximumCapturable.amount,
    refundable: payment.maximumRefundable.amount,
    ending: payment.cancelRequestedAt !== null,
  };
}
