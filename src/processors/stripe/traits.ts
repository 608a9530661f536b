import type { Connector, Credentials } from '../account-port.ts';
import type { ProcessorLimits } from '../port.ts';
import { refusesAmount } from './amounts.ts';

export interface StripeOptions {
  /** Another address than Stripe's own: protocol, host and port, of a stand-in for instance. */
  readonly apiUrl?: string;
  readonly limits?: Partial<ProcessorLimits>;
}

const LIMITS: ProcessorLimits = {
  callTimeoutMs: 30_000,
  // Stripe works on a request after nobody waits for it any more.
  inFlightWindowMs: 60_000,
  // "Keys are removed once they are at least 24 hours old." Source: docs.stripe.com/api/idempotent_requests
  keyRetentionMs: 24 * 3_600_000,
};

/** Secret keys, and restricted ones: "sk_test_…", "rk_live_…". */
const KEY = /^[rs]k_(test|live)_/;

/** What is known of Stripe without asking it. */
export function stripeTraits({ limits }: StripeOptions): Omit<Connector, 'connect'> {
  return {
    name: 'stripe',
    limits: { ...LIMITS, ...limits },
    severalCaptures: false,
    signatureHeader: 'stripe-signature',
    refusesAmount,
    refusesCredentials,
  };
}

function refusesCredentials(
  { secretKey, notificationSecrets }: Credentials,
  mode: 'TEST' | 'LIVE',
): string | undefined {
  const [, keyMode] = KEY.exec(secretKey) ?? [];
  if (keyMode === undefined) return 'A secret key of Stripe begins with sk_ or rk_, and test or live.';
  if (keyMode !== mode.toLowerCase()) return `This is no key for ${mode.toLowerCase()} payments.`;
  if (!notificationSecrets.every((secret) => secret.startsWith('whsec_'))) {
    return 'The signing secret of an endpoint begins with whsec_.';
  }
  return undefined;
}
