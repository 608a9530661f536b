import type { AccountProcessor, Connector } from '../account-port.ts';
import { StripeProcessor } from './stripe.ts';
import { stripeTraits, type StripeOptions } from './traits.ts';

/** Stripe, of which merchants have accounts. */
export function stripeConnector(options: StripeOptions = {}) {
  const traits = stripeTraits(options);
  return {
    ...traits,
    connect: ({ secretKey, notificationSecrets }, { rawCards }): AccountProcessor =>
      new StripeProcessor(
        { secretKey, webhookSecrets: notificationSecrets },
        { ...options, limits: traits.limits, rawCards },
      ),
  } satisfies Connector;
}
