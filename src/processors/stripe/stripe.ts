import type { AccountCheck, AccountProcessor, NotificationReading, TokenDescription } from '../account-port.ts';
import type {
  CaptureRequest,
  ChargeOutcome,
  ChargeRequest,
  LookUpRequest,
  MovementLookUpRequest,
  MovementOutcome,
  MovementRequest,
  NotFound,
  ProcessorLimits,
  StatementLine,
  TokenizeOutcome,
  TokenizeRequest,
} from '../port.ts';
import { refusesAmount } from './amounts.ts';
import { lookUpCharge, makeCharge } from './charges.ts';
import { StripeClient } from './client.ts';
import { lookUpMovement, makeMovement } from './movements.ts';
import { readNotification } from './notifications.ts';
import { statementOf } from './statement.ts';
import { describeToken, tokenize } from './tokens.ts';
import type { StripeOptions } from './traits.ts';

export interface StripeCredentials {
  readonly secretKey: string;
  /** Of the endpoint that receives notifications; more than one while one takes the place of another. */
  readonly webhookSecrets: readonly string[];
}

export interface StripeAccountOptions extends Pick<StripeOptions, 'apiUrl'> {
  /** Whether the account may send card numbers to Stripe; where not, cards come as tokens that Stripe's own fields made. */
  readonly rawCards: boolean;
  readonly limits: ProcessorLimits;
}

/** A merchant's account at Stripe. Cards only. docs/stripe.md says how Stripe's answers are read. */
export class StripeProcessor implements AccountProcessor {
  readonly name = 'stripe';
  readonly limits: ProcessorLimits;
  readonly severalCaptures = false;
  readonly #client: StripeClient;
  readonly #webhookSecrets: readonly string[];
  readonly #rawCards: boolean;

  constructor({ secretKey, webhookSecrets }: StripeCredentials, { apiUrl, rawCards, limits }: StripeAccountOptions) {
    this.limits = limits;
    this.#client = new StripeClient(secretKey, { apiUrl, timeoutMs: limits.callTimeoutMs });
    this.#webhookSecrets = webhookSecrets;
    this.#rawCards = rawCards;
  }

  refusesAmount(amount: bigint, currency: string): string | undefined {
    return refusesAmount(amount, currency);
  }

  async tokenize(request: TokenizeRequest, signal: AbortSignal): Promise<TokenizeOutcome> {
    if (this.#rawCards) return tokenize(this.#client, request, signal);
    const message = "This account takes no card numbers: make a token (pm_…) with Stripe's own fields, and give that.";
    return { kind: 'refused', message };
  }

  describeToken(token: string, signal: AbortSignal): Promise<TokenDescription> {
    return describeToken(this.#client, token, signal);
  }

  charge(request: ChargeRequest, signal: AbortSignal): Promise<ChargeOutcome> {
    return makeCharge(this.#client, request, signal);
  }

  capture(request: CaptureRequest, signal: AbortSignal): Promise<MovementOutcome> {
    return makeMovement(this.#client, 'CAPTURE', request, signal);
  }

  void(request: MovementRequest, signal: AbortSignal): Promise<MovementOutcome> {
    return makeMovement(this.#client, 'VOID', request, signal);
  }

  refund(request: MovementRequest, signal: AbortSignal): Promise<MovementOutcome> {
    return makeMovement(this.#client, 'REFUND', request, signal);
  }

  lookUpCharge(request: LookUpRequest, signal: AbortSignal): Promise<ChargeOutcome | NotFound> {
    return lookUpCharge(this.#client, request, signal);
  }

  lookUpMovement(request: MovementLookUpRequest, signal: AbortSignal): Promise<MovementOutcome | NotFound> {
    return lookUpMovement(this.#client, request, signal);
  }

  async check(signal: AbortSignal): Promise<AccountCheck> {
    const balance = await this.#client.ask(signal, (stripe) => stripe.balance.retrieve());
    if (balance.ok) return { kind: 'good' };
    return 'message' in balance.fault ? { kind: 'refused', message: balance.fault.message } : { kind: 'unreachable' };
  }

  readNotification(body: Buffer, signature: string | undefined, now: Date): NotificationReading {
    return readNotification(this.#client.webhooks, this.#webhookSecrets, body, signature, now);
  }

  statement(from: Date, until: Date, signal: AbortSignal): AsyncIterable<StatementLine> {
    return statementOf(this.#client, from, until, signal);
  }
}
