import type { Connector } from '../account-port.ts';
import { stripeTraits, type StripeOptions } from './traits.ts';

/** Stripe, whose SDK is loaded with the first account that is connected to: it takes a quarter of a second, and 30 MB. */
export function deferredStripe(options: StripeOptions): Connector {
  return {
    ...stripeTraits(options),
    async connect(credentials, { rawCards }) {
      const { stripeConnector } = await import('./connector.ts');
      return stripeConnector(options).connect(credentials, { rawCards });
    },
  };
}
