import { timingSafeEqual } from 'node:crypto';
import type { Payment, ProcessorAccount } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import type { Gateway } from './gateway.ts';

/** The pages that a payment has for people who hold no key: where it is paid, and its receipt. */
export type PageKind = 'pay' | 'receipt';

/** Where each kind of page is; its token follows. */
export const PAGE_PATHS: Readonly<Record<PageKind, string>> = { pay: '/pay/', receipt: '/receipt/' };

/** Where processors send their notifications; the environment and the account there follow. */
export const NOTIFICATIONS_PATH = '/notifications/';

/** The address at which a processor sends its notifications about an account. */
export function notificationUrl(
  gateway: Pick<Gateway, 'publicUrl'>,
  { environmentId, id }: Pick<ProcessorAccount, 'environmentId' | 'id'>,
): string {
  const place = `${encodeId('Environment', environmentId)}/${encodeId('ProcessorAccount', id)}`;
  return `${gateway.publicUrl()}${NOTIFICATIONS_PATH}${place}`;
}

/** Who is written down as having done what a payer did on the hosted page. */
export const HOSTED_PAGE = 'hosted_page';

type PaymentKey = Pick<Payment, 'environmentId' | 'id'>;

const ID_BYTES = 16;
const MAC_BYTES = 16;
const TOKEN = /^[\w-]{64}$/;

/**
 * The address of a page of a payment. Who has it may see the page: it ends in the payment's key and 128 bits of a keyed
 * hash of it, so that none can be made up, and one kind's does not open the other.
 */
export function pageUrl(gateway: Pick<Gateway, 'keyring' | 'publicUrl'>, kind: PageKind, key: PaymentKey): string {
  const ids = Buffer.concat([bytesOf(key.environmentId), bytesOf(key.id)]);
  const token = Buffer.concat([ids, gateway.keyring.signPage(kind, ids).subarray(0, MAC_BYTES)]);
  return `${gateway.publicUrl()}${PAGE_PATHS[kind]}${token.toString('base64url')}`;
}

/** Which payment's page a token opens; undefined for one that the gateway did not make, or not for this kind. */
export function openPage(gateway: Pick<Gateway, 'keyring'>, kind: PageKind, token: string): PaymentKey | undefined {
  if (!TOKEN.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  const ids = bytes.subarray(0, 2 * ID_BYTES);
  const given = bytes.subarray(2 * ID_BYTES);
  const isOurs = gateway.keyring.all.some((keys) =>
    timingSafeEqual(keys.signPage(kind, ids).subarray(0, MAC_BYTES), given),
  );
  if (!isOurs) return undefined;
  return { environmentId: uuidOf(ids.subarray(0, ID_BYTES)), id: uuidOf(ids.subarray(ID_BYTES)) };
}

function bytesOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A merchant's return address with the payment's id added to it: "https://shop.example/back?payment=pay_…". */
export function returnUrlOf(returnUrl: string, paymentId: string): string {
  const url = new URL(returnUrl);
  // Not through searchParams, which would write the merchant's own parameters anew.
  url.search += `${url.search === '' ? '?' : '&'}payment=${encodeId('Payment', paymentId)}`;
  return url.href;
}
