import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';

/** Finds the addresses of a host. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** How long a name server may take, and how often each is asked. */
const QUERY_TIMEOUT_MS = 2_000;
const QUERY_TRIES = 2;

/**
 * The machine's own way to find addresses, its hosts file among it: for private networks. It takes one of the few threads
 * of the process for as long as it lasts.
 */
export const resolveHere: Resolve = (host) => lookup(host, { all: true });

/**
 * Finds addresses by DNS alone, as the whole internet would. It waits on no thread: a name server that hangs holds up
 * nobody but those who wait for its names.
 * @param servers whom to ask; those of the machine if they are left out
 */
export function resolveByDns(servers?: readonly string[]): Resolve {
  return async (host) => {
    const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
    if (servers !== undefined) resolver.setServers(servers);
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    if (four.status === 'rejected' && six.status === 'rejected') throw four.reason as Error;
    return [addressesOf(six, 6), addressesOf(four, 4)].flat();
  };
}

function addressesOf(result: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return result.status === 'rejected' ? [] : result.value.map((address) => ({ address, family }));
}
