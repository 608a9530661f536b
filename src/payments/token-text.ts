import { SignJWT } from 'jose/jwt/sign';
import { jwtVerify } from 'jose/jwt/verify';
import { z } from 'zod';
import { DestinationType } from '../../generated/prisma/enums.ts';
import { parseCurrency, type Currency } from '../domain/currency.ts';
import type { DestinationInput } from './destinations.ts';
import type { Caller, Gateway, Payer } from './gateway.ts';

/** How a client token is written: its mode, and a JSON Web Token that the gateway has signed. */

/** What a client token lets a payer do. */
export type TokenScope = 'READ' | 'PAY' | 'SCHEDULE';

/** Something that the merchant lets a payer pay, and for how much: a browser never chooses an amount. */
export interface Grant extends DestinationInput {
  readonly currency: Currency;
}

/** A credential for a payer's browser: of one customer or one payment, for some minutes. */
export interface ClientToken {
  readonly id: string;
  readonly environmentId: string;
  readonly mode: Caller['mode'];
  readonly payer: Payer;
  readonly scopes: readonly TokenScope[];
  readonly grants: readonly Grant[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What every client token begins with; its mode and a JSON Web Token follow. */
export const TOKEN_PREFIX = 'ct_';

/** Node takes 16 KB of headers in all: a longer token could not be used. */
export const TOKEN_LENGTH_MAX = 12_000;

const ALGORITHM = 'HS256';

const Claims = z.object({
  jti: z.uuid(),
  iss: z.literal('tender'),
  env: z.uuid(),
  mode: z.enum(['TEST', 'LIVE']),
  customer: z.uuid().optional(),
  payment: z.uuid().optional(),
  scopes: z.array(z.enum(['READ', 'PAY', 'SCHEDULE'])),
  grants: z.array(
    z.object({
      type: z.enum(DestinationType),
      id: z.string(),
      number: z.string().nullable(),
      invoiceId: z.string().nullable(),
      purchaseId: z.string().nullable(),
      subscriptionId: z.string().nullable(),
      billingPeriodId: z.string().nullable(),
      amount: z.string().regex(/^\d{1,16}$/),
      currency: z.string(),
    }),
  ),
  iat: z.number(),
  exp: z.number(),
});

/** A token as a text, for the payer. */
export async function writeToken({ keyring }: Pick<Gateway, 'keyring'>, token: ClientToken): Promise<string> {
  const { customerId, paymentId } = token.payer;
  const jwt = await new SignJWT({
    env: token.environmentId,
    mode: token.mode,
    scopes: token.scopes,
    grants: token.grants.map((grant) => ({ ...grant, amount: String(grant.amount) })),
    ...(customerId !== null && { customer: customerId }),
    ...(paymentId !== null && { payment: paymentId }),
  })
    .setProtectedHeader({ alg: ALGORITHM, kid: keyring.id })
    .setIssuer('tender')
    .setJti(token.id)
    // With its milliseconds: a token is told from one that was made before a revocation in the same second.
    .setIssuedAt(token.createdAt.getTime() / 1_000)
    .setExpirationTime(token.expiresAt.getTime() / 1_000)
    .sign(keyring.tokenKey);
  return `${TOKEN_PREFIX}${token.mode.toLowerCase()}_${jwt}`;
}

/** What a text says that this gateway has signed and whose time is not over; undefined for any other. */
export async function readToken(
  gateway: Pick<Gateway, 'keyring' | 'now'>,
  text: string,
): Promise<ClientToken | undefined> {
  const [, mode, given] = /^ct_(test|live)_(.+)$/.exec(text) ?? [];
  if (given === undefined) return undefined;
  const claims = await verify(gateway, given);
  return claims !== undefined && claims.mode.toLowerCase() === mode ? tokenOf(claims) : undefined;
}

async function verify(
  gateway: Pick<Gateway, 'keyring' | 'now'>,
  jwt: string,
): Promise<z.infer<typeof Claims> | undefined> {
  try {
    const { payload } = await jwtVerify(jwt, ({ kid }) => keyNamed(gateway, kid), {
      algorithms: [ALGORITHM],
      issuer: 'tender',
      currentDate: gateway.now(),
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    return Claims.parse(payload);
  } catch {
    // Malformed, signed by someone else, or over: all three are no token.
    return undefined;
  }
}

/** The key that a token says it is signed with, if it is one of ours. */
function keyNamed({ keyring }: Pick<Gateway, 'keyring'>, kid: string | undefined): Uint8Array {
  const keys = keyring.all.find(({ id }) => id === kid);
  if (keys === undefined) throw new Error('a token of another secret');
  return keys.tokenKey;
}

function tokenOf(claims: z.infer<typeof Claims>): ClientToken {
  return {
    id: claims.jti,
    environmentId: claims.env,
    mode: claims.mode,
    payer: payerIn(claims),
    scopes: claims.scopes,
    grants: claims.grants.map(({ amount, currency, ...grant }) => ({
      ...grant,
      amount: BigInt(amount),
      currency: known(currency),
    })),
    createdAt: new Date(Math.round(claims.iat * 1_000)),
    expiresAt: new Date(Math.round(claims.exp * 1_000)),
  };
}

function payerIn({ customer, payment }: z.infer<typeof Claims>): Payer {
  if (customer !== undefined && payment === undefined) return { customerId: customer, paymentId: null };
  if (payment !== undefined && customer === undefined) return { customerId: null, paymentId: payment };
  throw new Error('a signed token of nobody');
}

function known(code: string): Currency {
  const currency = parseCurrency(code);
  if (currency === undefined) throw new Error('a signed grant in no known currency');
  return currency;
}
