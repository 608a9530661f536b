import { readEnabledAccounts } from '../store/processor-accounts.ts';
import type { Place } from './connections.ts';
import type { Caller, Gateway } from './gateway.ts';

/**
 * Where a new card is taken: in the environment's oldest account that is enabled; where there is none, test cards are the
 * sandbox's. Undefined where live cards are nobody's.
 */
export async function placeForCard(gateway: Gateway, { environmentId, mode }: Caller): Promise<Place | undefined> {
  const [account] = await readEnabledAccounts(gateway.database, environmentId);
  if (account !== undefined) return { environmentId, processor: account.processor, processorAccountId: account.id };
  if (mode === 'LIVE') return undefined;
  return { environmentId, processor: gateway.processors.sandbox.name, processorAccountId: null };
}
