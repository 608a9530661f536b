import type { Customer } from '../../generated/prisma/client.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { findCustomerByEmail, type TransactionClock } from '../store/ledger.ts';
import type { Transaction } from '../store/transaction.ts';
import { checkCountry } from './address.ts';
import { checkMetadata, checkText, type Metadata } from './details.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

/** What may be said of a customer. In an update, undefined leaves a field as it is and null empties it. */
export interface CustomerFields {
  readonly email?: string | null;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly phone?: string | null;
  readonly addressLine1?: string | null;
  readonly addressLine2?: string | null;
  readonly city?: string | null;
  readonly state?: string | null;
  readonly postalCode?: string | null;
  readonly country?: string | null;
}

export interface CustomerInput {
  readonly fields: CustomerFields;
  readonly metadata?: unknown;
}

const FIELD_LENGTH_MAX = 200;

/** Where the parts of an address stand in the input. */
const ADDRESS_PATHS: Readonly<Record<string, readonly string[]>> = {
  addressLine1: ['address', 'line1'],
  addressLine2: ['address', 'line2'],
  city: ['address', 'city'],
  state: ['address', 'state'],
  postalCode: ['address', 'postalCode'],
  country: ['address', 'country'],
};

/** One @ with something before it and a dotted name after it: whether the address works, only a mail can tell. */
const EMAIL = /^[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/;

/** Stores a customer. It moves no money, so it takes no idempotency key. */
export async function createCustomer(
  gateway: Gateway,
  caller: Caller,
  input: CustomerInput,
): Promise<Result<Customer, Failure>> {
  const checked = check(input);
  if (!checked.ok) return checked;
  const { environmentId, actor } = caller;
  return ok(
    await gateway.database.prisma.customer.create({
      data: { environmentId, id: gateway.newId(), ...checked.value, createdBy: actor, updatedBy: actor },
    }),
  );
}

/** Nothing is written to such a customer any more. */
export const ERASED = 'The customer was erased.';

/** Changes what the input names of a customer; metadata are replaced as a whole. */
export async function updateCustomer(
  gateway: Gateway,
  caller: Caller,
  id: string,
  input: CustomerInput,
): Promise<Result<Customer, Failure>> {
  const checked = check(input);
  if (!checked.ok) return checked;
  const { environmentId, actor } = caller;
  const { customer } = gateway.database.prisma;
  const { count } = await customer.updateMany({
    where: { environmentId, id, erasedAt: null },
    data: { ...checked.value, updatedAt: gateway.now(), updatedBy: actor },
  });
  const found = await customer.findUnique({ where: { environmentId_id: { environmentId, id } } });
  if (found === null) return notFound('customer', 'customerId');
  return count === 0 ? invalid(ERASED, 'customerId') : ok(found);
}

/** What is stored of a customer, once it is checked. */
type CheckedCustomer = CustomerFields & { readonly metadata?: Metadata };

/** Checks what is said of a customer. Paths begin in the customer's own input. */
function check({ fields, metadata }: CustomerInput): Result<CheckedCustomer, Failure> {
  for (const [name, value] of Object.entries(fields) as [string, string | null | undefined][]) {
    const checked = checkText(value ?? null, ADDRESS_PATHS[name] ?? [name], FIELD_LENGTH_MAX);
    if (!checked.ok) return checked;
  }
  const { email, country } = fields;
  if (email != null && !EMAIL.test(email)) return invalid('This is no e-mail address.', 'email');
  if (country != null) {
    const known = checkCountry(country, 'address', 'country');
    if (!known.ok) return known;
  }
  if (metadata === undefined) return ok(fields);
  const checked = checkMetadata(metadata, 'metadata');
  return checked.ok ? ok({ ...fields, metadata: checked.value }) : checked;
}

export type InlineCustomer = CheckedCustomer & { readonly email: string };

/** A customer that is given with a payment: known by the e-mail address, and stored if it is not. */
export function checkInlineCustomer(input: CustomerInput): Result<InlineCustomer, Failure> {
  const checked = check(input);
  if (!checked.ok) return fail({ ...checked.failure, path: inCustomer(checked.failure.path) });
  const { email } = checked.value;
  if (email == null)
    return invalid('A customer who is given with a payment has an e-mail address.', 'customer', 'email');
  return ok({ ...checked.value, email });
}

function inCustomer([root = 'input', ...rest]: readonly string[]): string[] {
  return [root, 'customer', ...rest];
}

/** The oldest customer with this address, or a new one in the draft. A second request for it waits for the first. */
export async function findOrAddCustomer(
  gateway: Gateway,
  caller: Caller,
  at: { readonly transaction: Transaction; readonly clock: TransactionClock },
  given: InlineCustomer,
): Promise<{ readonly id: string; readonly added: Customer | null }> {
  const known = await findCustomerByEmail(at.transaction, caller.environmentId, given.email);
  if (known !== undefined) return { id: known, added: null };
  const { now } = at.clock;
  const added: Customer = {
    environmentId: caller.environmentId,
    id: gateway.newId(),
    email: given.email,
    firstName: given.firstName ?? null,
    lastName: given.lastName ?? null,
    phone: given.phone ?? null,
    addressLine1: given.addressLine1 ?? null,
    addressLine2: given.addressLine2 ?? null,
    city: given.city ?? null,
    state: given.state ?? null,
    postalCode: given.postalCode ?? null,
    country: given.country ?? null,
    metadata: given.metadata ?? {},
    erasedAt: null,
    createdAt: now,
    updatedAt: now,
    createdBy: caller.actor,
    updatedBy: caller.actor,
  };
  return { id: added.id, added };
}
