import { isIP } from 'node:net';
import { fail, ok, type Result } from '../domain/result.ts';
import { isPublicAddress } from './address.ts';

const URL_LENGTH_MAX = 2_048;

/**
 * Whether messages may be sent to a URL, as far as the URL tells: what its name leads to is looked up for every message.
 * @param privateNetworks whether http and private addresses are allowed: for development and tests
 * @returns the URL as it is stored, or why it cannot be taken
 */
export function checkWebhookUrl(text: string, privateNetworks: boolean): Result<string, string> {
  if (text.length > URL_LENGTH_MAX) return fail(`A URL has at most ${URL_LENGTH_MAX} characters.`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed = url?.protocol === 'https:' || (privateNetworks && url?.protocol === 'http:');
  if (url === undefined || !isAllowed) return fail('A webhook is sent to an https URL.');
  if (url.username !== '' || url.password !== '') return fail('A URL with a user or a password is not taken.');
  if (url.hash !== '') return fail('A URL with a fragment is not taken: it would not be sent.');
  const host = hostOf(url);
  if (isIP(host) !== 0 && !privateNetworks && !isPublicAddress(host)) {
    return fail('A webhook is not sent to an address of a private network.');
  }
  // What is no ASCII is written in more characters.
  if (url.href.length > URL_LENGTH_MAX) return fail(`A URL has at most ${URL_LENGTH_MAX} characters.`);
  return ok(url.href);
}

/** The name or address that a URL leads to; an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
