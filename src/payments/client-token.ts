import { parseCurrency } from '../domain/currency.ts';
import { encodeId } from '../domain/ids.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { findEnvironment } from '../store/access.ts';
import { refuseTokensUntil } from '../store/environment-settings.ts';
import { checkDestinations, type DestinationInput } from './destinations.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway, Payer } from './gateway.ts';
import {
  readToken,
  TOKEN_LENGTH_MAX,
  writeToken,
  type ClientToken,
  type Grant,
  type TokenScope,
} from './token-text.ts';

export interface CreateClientTokenInput {
  readonly customerId: string | null;
  readonly paymentId: string | null;
  readonly scopes: readonly TokenScope[];
  readonly grants: readonly (DestinationInput & { readonly currency: string })[];
  readonly expiresInSeconds: number;
}

const SECONDS_MIN = 60;
const SECONDS_MAX = 24 * 3_600;
const GRANTS_MAX = 20;

/**
 * Makes a token for a payer's browser. It is signed and stored nowhere, so it is told once, here; what it opens ends with
 * its time, or with the mutation that refuses all tokens made so far.
 */
export async function createClientToken(
  gateway: Gateway,
  caller: Caller,
  input: CreateClientTokenInput,
): Promise<Result<{ readonly text: string; readonly token: ClientToken }, Failure>> {
  const { customerId, paymentId, scopes, expiresInSeconds } = input;
  if (expiresInSeconds < SECONDS_MIN || expiresInSeconds > SECONDS_MAX) {
    return invalid(`A token is valid for ${SECONDS_MIN} to ${SECONDS_MAX} seconds.`, 'expiresInSeconds');
  }
  if (scopes.length === 0) return invalid('A token without a scope opens nothing.', 'scopes');
  const payer = await payerOf(gateway, caller, { customerId, paymentId });
  if (!payer.ok) return payer;
  const grants = checkGrants(input);
  if (!grants.ok) return grants;
  const createdAt = gateway.now();
  const token: ClientToken = {
    id: gateway.newId(),
    environmentId: caller.environmentId,
    mode: caller.mode,
    payer: payer.value,
    scopes: [...new Set(scopes)],
    grants: grants.value,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + expiresInSeconds * 1_000),
  };
  const text = await writeToken(gateway, token);
  if (text.length > TOKEN_LENGTH_MAX) return invalid('One token cannot carry texts of this length.', 'grants');
  return ok({ text, token });
}

/**
 * Refuses every client token of the environment that was made until a moment; until now if it is null.
 * @returns until when they are refused: later than asked for, where an earlier call said so
 */
export async function revokeClientTokens(
  gateway: Gateway,
  caller: Caller,
  madeUntil: Date | null,
): Promise<Result<Date, Failure>> {
  const now = gateway.now();
  if (madeUntil !== null && madeUntil > now) return invalid('This moment is still to come.', 'madeUntil');
  return ok(await refuseTokensUntil(gateway.database, caller, madeUntil ?? now));
}

/** Reads a client token; undefined for one that this gateway did not make, that is over, or that was revoked. */
export async function readClientToken(gateway: Gateway, text: string): Promise<ClientToken | undefined> {
  const token = await readToken(gateway, text);
  if (token === undefined) return undefined;
  const environment = await findEnvironment(gateway.database, token.environmentId);
  return isTaken(token, environment, gateway.now()) ? token : undefined;
}

/** Whether a token that was read is taken in its environment as it is now: what goes on for longer asks again. */
export function isTaken(
  token: ClientToken,
  environment: Awaited<ReturnType<typeof findEnvironment>>,
  now: Date,
): boolean {
  if (token.expiresAt <= now || environment === undefined || environment.mode !== token.mode) return false;
  return environment.tokensValidFrom === null || token.createdAt > environment.tokensValidFrom;
}

/** Who acts with a client token. */
export function callerOf({ id, environmentId, mode, payer, scopes }: ClientToken): Caller {
  return {
    environmentId,
    mode,
    // Not of the token: a request that is sent again with a newer token is still the same request.
    principal: payer.paymentId === null ? `customer:${payer.customerId}` : `payment:${payer.paymentId}`,
    actor: encodeId('ClientToken', id),
    payer,
    schedules: scopes.includes('SCHEDULE'),
  };
}

async function payerOf(
  gateway: Gateway,
  { environmentId }: Caller,
  { customerId, paymentId }: Pick<CreateClientTokenInput, 'customerId' | 'paymentId'>,
): Promise<Result<Payer, Failure>> {
  if ((customerId === null) === (paymentId === null)) {
    return invalid('A token is of one customer or of one payment.', 'customerId');
  }
  const { prisma } = gateway.database;
  const select = { id: true } as const;
  if (customerId !== null) {
    const found = await prisma.customer.findUnique({
      where: { environmentId_id: { environmentId, id: customerId }, erasedAt: null },
      select,
    });
    return found === null ? notFound('customer', 'customerId') : ok({ customerId, paymentId: null });
  }
  const id = paymentId ?? '';
  const found = await prisma.payment.findUnique({ where: { environmentId_id: { environmentId, id } }, select });
  return found === null ? notFound('payment', 'paymentId') : ok({ customerId: null, paymentId: id });
}

function checkGrants(input: CreateClientTokenInput): Result<Grant[], Failure> {
  const { grants } = input;
  if (grants.length > GRANTS_MAX) return invalid(`A token carries at most ${GRANTS_MAX} grants.`, 'grants');
  if (grants.length > 0 && (input.customerId === null || !input.scopes.includes('PAY'))) {
    return invalid('Grants are for a customer who may pay.', 'grants');
  }
  const checked: Grant[] = [];
  for (const [index, { currency: code, ...grant }] of grants.entries()) {
    const path = ['grants', String(index)];
    const currency = parseCurrency(code);
    if (currency === undefined) return invalid('The currency is no ISO 4217 code in use.', ...path, 'currency');
    const whole = checkDestinations([grant], grant.amount);
    if (!whole.ok) return fail({ ...whole.failure, path: ['input', ...path, ...whole.failure.path.slice(3)] });
    if (checked.some(({ type, id }) => type === grant.type && id === grant.id)) {
      return invalid('There is another grant for the same thing.', ...path, 'id');
    }
    checked.push({ ...grant, currency });
  }
  return ok(checked);
}
