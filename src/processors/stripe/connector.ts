import type { AccountProcessor, Connector, Credentials } from '../account-port.ts';
import { StripeProcessor, type StripeOptions } from './stripe.ts';

/** Secret keys, and restricted ones: "sk_test_…", "rk_live_…". */
const KEY = /^[rs]k_(test|live)_/;

/** Stripe, of which merchants have accounts. */
export function stripeConnector(options: Pick<StripeOptions, 'apiUrl' | 'limits'> = {}): Connector {
  // Nothing is sent before it is asked for something.
  const traits = new StripeProcessor({ secretKey: 'none', webhookSecrets: [] }, { ...options, rawCards: false });
  return {
    name: traits.name,
    limits: traits.limits,
    severalCaptures: traits.severalCaptures,
    signatureHeader: 'stripe-signature',
    refusesAmount: (amount, currency) => traits.refusesAmount(amount, currency),
    refusesCredentials,
    connect: ({ secretKey, notificationSecrets }, { rawCards }): AccountProcessor =>
      new StripeProcessor({ secretKey, webhookSecrets: notificationSecrets }, { ...options, rawCards }),
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
