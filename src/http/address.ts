import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

/** Tells the network from which a request comes. */
export type NetworkOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string;

/**
 * Behind a load balancer every request comes from its address, and what it has written into X-Forwarded-For says more. What
 * others wrote there is anyone's word: the list is read from its end, for as long as those who wrote it are trusted.
 * @param trusted addresses and networks of proxies
 */
export function networkReader(trusted: readonly string[]): NetworkOf {
  const proxies = new BlockList();
  for (const each of trusted) {
    const [address = '', bits] = each.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean => proxies.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  return ({ socket, headers }) => {
    let address = plain(socket.remoteAddress ?? '');
    if (trusted.length === 0) return networkOf(address);
    const forwarded = headers['x-forwarded-for'];
    const told = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',').map(plain);
    while (isIP(address) !== 0 && isTrusted(address)) {
      const next = told.pop();
      if (next === undefined || isIP(next) === 0) break;
      address = next;
    }
    return networkOf(address);
  };
}

/** An address without the port that some proxies add, without brackets, and an IPv4 address as one. */
function plain(text: string): string {
  const given = text.trim();
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(given)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(given)?.[1] ?? given;
  return /^::ffff:(\d+(?:\.\d+){3})$/i.exec(bare)?.[1] ?? bare;
}

/**
 * Whose address it is: an IPv4 address, or the first half of an IPv6 address, because every customer of a provider has
 * all addresses of the second half.
 */
export function networkOf(address: string): string {
  const mapped = /^(?:::ffff:)?(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = address.includes('::') ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0') : [];
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
