import type { CardBrand } from '../domain/card.ts';
import type { NotSent, Processor, ProcessorTraits, Unknown } from './port.ts';

/** What the gateway asks of a processor of the world outside, with which merchants have accounts of their own. */

/** What a merchant's account with a processor is reached with. Secret: it is kept sealed, and told to nobody. */
export interface Credentials {
  readonly secretKey: string;
  /** With which notifications are signed: two while one replaces the other, none before the first is known. */
  readonly notificationSecrets: readonly string[];
}

/** A kind of processor of which merchants have accounts. */
export interface Connector extends ProcessorTraits {
  /** The header that holds the signature of a notification, in small letters. */
  readonly signatureHeader: string;
  /** What cannot be right with credentials, by the look of them; undefined where nothing is. */
  refusesCredentials(credentials: Credentials, mode: 'TEST' | 'LIVE'): string | undefined;
  /** @param options.rawCards whether card numbers may be sent there */
  connect(
    credentials: Credentials,
    options: { readonly rawCards: boolean },
  ): AccountProcessor | Promise<AccountProcessor>;
}

/** A connector to an account that a merchant has with a processor of the world outside. */
export interface AccountProcessor extends Processor {
  /** Whether the processor takes the account's credentials. Moves no money. */
  check(signal: AbortSignal): Promise<AccountCheck>;
  /** What a token is, that the processor gave to the merchant's own page: "pm_…". */
  describeToken(token: string, signal: AbortSignal): Promise<TokenDescription>;
  /**
   * Reads a notification that came over HTTP: verifies its signature and age.
   * @param body the bytes as they came
   * @param now for the signature's age
   */
  readNotification(body: Buffer, signature: string | undefined, now: Date): NotificationReading;
}

export type AccountCheck =
  | { readonly kind: 'good' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unreachable' };

export type TokenDescription =
  | {
      readonly kind: 'card';
      readonly brand: CardBrand;
      readonly last4: string;
      readonly expMonth: number;
      readonly expYear: number;
      readonly holderName: string | null;
      readonly country: string | null;
      /** The same for the same card, in this account. */
      readonly fingerprint: string | null;
    }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'misconfigured'; readonly message: string }
  | NotSent
  | Unknown;

export type NotificationReading =
  | {
      readonly kind: 'event';
      /** The processor's id of the event: the same when it is sent again. */
      readonly id: string;
      readonly type: string;
      /** The processor's ids of the charges, captures or refunds that it is about; none for what does not concern payments. */
      readonly references: readonly string[];
    }
  | { readonly kind: 'bad_signature' }
  | { readonly kind: 'too_old' }
  | { readonly kind: 'unreadable' };
