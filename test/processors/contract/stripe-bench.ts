import type { AccountProcessor } from '../../../src/processors/account-port.ts';
import type { ProcessorLimits } from '../../../src/processors/port.ts';
import { stripeConnector } from '../../../src/processors/stripe/connector.ts';
import { until } from '../../harness/until.ts';
import type { TestToken } from '../../stripe/cards.ts';
import type { FaultKind, RouteName } from '../../stripe/faults.ts';
import { WEBHOOK_SECRET } from '../../stripe/mailbox.ts';
import { SECRET_KEY, StripeStandIn } from '../../stripe/stand-in.ts';
import { NOTHING, type CardKind, type ContractBench, type Fault, type Money, type OperationName } from './bench.ts';

const TOKENS: Readonly<Record<CardKind, TestToken>> = {
  approved: 'pm_card_visa',
  generic_decline: 'pm_card_visa_chargeDeclined',
  insufficient_funds: 'pm_card_visa_chargeDeclinedInsufficientFunds',
  lost_card: 'pm_card_visa_chargeDeclinedLostCard',
  stolen_card: 'pm_card_visa_chargeDeclinedStolenCard',
  card_velocity_exceeded: 'pm_card_visa_chargeDeclinedVelocityLimitExceeded',
  expired_card: 'pm_card_chargeDeclinedExpiredCard',
  incorrect_cvc: 'pm_card_chargeDeclinedIncorrectCvc',
  processing_error: 'pm_card_chargeDeclinedProcessingError',
  challenged: 'pm_card_authenticationRequired',
  challenged_then_declined: 'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
  pending_then_approved: 'pm_card_processing',
  pending_then_declined: 'pm_card_processingThenDeclined',
  refund_pending: 'pm_card_pendingRefund',
  refund_fails_later: 'pm_card_refundFail',
};

/** The connector to Stripe, at the stand-in. */
export class StripeBench implements ContractBench {
  readonly standIn = new StripeStandIn();
  #processor: AccountProcessor | undefined;

  async start(): Promise<this> {
    await this.standIn.start();
    this.#processor = this.connect({});
    return this;
  }

  /** Another connection to it. */
  connect(of: {
    readonly secretKey?: string;
    readonly apiUrl?: string;
    readonly limits?: Partial<ProcessorLimits>;
    readonly rawCards?: boolean;
  }): AccountProcessor {
    const { secretKey = SECRET_KEY, apiUrl = this.standIn.url, limits = {}, rawCards = true } = of;
    const credentials = { secretKey, notificationSecrets: [WEBHOOK_SECRET] };
    return stripeConnector({ apiUrl, limits }).connect(credentials, { rawCards });
  }

  get processor(): AccountProcessor {
    if (this.#processor === undefined) throw new Error('the bench is not open yet');
    return this.#processor;
  }

  tokenOf(card: CardKind): Promise<string> {
    return Promise.resolve(TOKENS[card]);
  }

  async act(url: string, passed: boolean): Promise<void> {
    await fetch(`${url}/${passed ? 'complete' : 'fail'}`, { method: 'POST', redirect: 'manual' });
  }

  elapse(): Promise<void> {
    const { books } = this.standIn;
    for (const { id, status } of books.intents.values()) if (status === 'processing') books.finishProcessing(id);
    for (const refund of books.refunds.values()) {
      if (refund.status === 'pending') books.finishRefund(refund.id, 'succeeded');
      else if (refund.status === 'succeeded' && this.#isOf(refund.payment_intent, 'refund_fails_later')) {
        books.finishRefund(refund.id, 'failed');
      }
    }
    return Promise.resolve();
  }

  #isOf(intent: unknown, card: CardKind): boolean {
    return typeof intent === 'string' && this.standIn.books.intents.get(intent)?.payment_method === TOKENS[card];
  }

  mend(): Promise<void> {
    this.standIn.faults.clear();
    this.standIn.release();
    return Promise.resolve();
  }

  money(keys: readonly string[]): Promise<Money> {
    const { intents, moves } = this.standIn.books;
    const ours = [...intents.values()].filter(({ metadata }) => keys.includes(metadata['tender_key'] ?? ''));
    const sums = { authorized: 0, captured: 0, released: 0, refunded: 0, returned: 0 };
    const charged = new Set<string>();
    for (const { intent, kind, amount } of moves.filter((move) => ours.some(({ id }) => id === move.intent))) {
      sums[kind] += amount;
      if (kind === 'authorized') charged.add(intent);
    }
    // Each of them at most once.
    const held = BigInt(sums.authorized - sums.captured - sums.released);
    const refunded = BigInt(sums.refunded - sums.returned);
    const isReleased = held === 0n && sums.captured === 0;
    return Promise.resolve(
      isReleased ? NOTHING : { charges: charged.size, held, captured: BigInt(sums.captured), refunded },
    );
  }

  /** Every fault of the stand-in, at every request that an operation makes. */
  static faults(bench: () => StripeBench): Fault[] {
    return Object.entries(ROUTES).flatMap(([operation, routes]) =>
      routes.flatMap((route) =>
        KINDS.map((kind): Fault => {
          const times = kind.startsWith('reset') ? 2 : 1;
          return {
            name: `${kind} at ${route}`,
            operation: operation as OperationName,
            arrange: () => {
              bench().standIn.faults.plan(route, kind, times);
              return kind === 'stalled' || kind === 'unanswered' ? bench().#whenHeld() : undefined;
            },
          };
        }),
      ),
    );
  }

  /** The deadline of a call: over when its request is seen to get no answer. */
  #whenHeld(): AbortSignal {
    const over = new AbortController();
    const before = this.standIn.held;
    void until(() => this.standIn.held > before).then(() => over.abort());
    return over.signal;
  }
}

const ROUTES: Readonly<Record<OperationName, readonly RouteName[]>> = {
  charge: ['create_intent', 'confirm'],
  capture: ['capture'],
  void: ['cancel'],
  refund: ['create_refund'],
};

const KINDS: readonly FaultKind[] = [
  'stalled',
  'unanswered',
  'reset_before',
  'reset_after',
  'cut_body',
  'html_502_before',
  'html_502_after',
  'error_500_before',
  'error_500_after',
  'lock_timeout',
  'rate_limited',
];
