import type { Customer } from '../../generated/prisma/client.ts';
import { ok, type Result } from '../domain/result.ts';
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
    where: { environmentId, id },
    data: { ...checked.value, updatedAt: gateway.now(), updatedBy: actor },
  });
  if (count === 0) return notFound('customer', 'customerId');
  return ok(await customer.findUniqueOrThrow({ where: { environmentId_id: { environmentId, id } } }));
}

function check({ fields, metadata }: CustomerInput): Result<CustomerFields & { metadata?: Metadata }, Failure> {
  for (const [name, value] of Object.entries(fields) as [string, string | null | undefined][]) {
    const checked = checkText(value ?? null, ADDRESS_PATHS[name] ?? [name], FIELD_LENGTH_MAX);
    if (!checked.ok) return checked;
  }
  const { email, country } = fields;
  if (email != null && !EMAIL.test(email)) return invalid('This is no e-mail address.', 'email');
  if (country != null && !/^[A-Z]{2}$/.test(country)) {
    return invalid('A country is a code of two capital letters, ISO 3166-1.', 'address', 'country');
  }
  if (metadata === undefined) return ok(fields);
  const checked = checkMetadata(metadata, 'metadata');
  return checked.ok ? ok({ ...fields, metadata: checked.value }) : checked;
}
