import { Till } from './till.ts';
import type { TestGateway } from './gateway.ts';

/** A feed whose every message has some 500 KB: a dozen are more than the kernel keeps for who does not read. */
export const HEAVY_FEED = `subscription($after: String) {
  paymentEvents(after: $after) {
    cursor
    event { payment { customer { payments(first: 20) { edges { node { metadata } } } } } }
  }
}`;

const METADATA = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, 'x'.repeat(500)]));

/** A customer whose payments are so heavy. @returns what makes another event of them */
export async function heavyPayments(gateway: () => TestGateway): Promise<() => Promise<void>> {
  const till = new Till(gateway);
  const customerId = await till.customer();
  const pay = async (): Promise<void> => void (await till.pay({ customerId, process: false, metadata: METADATA }));
  for (let count = 0; count < 20; count++) await pay();
  return pay;
}
