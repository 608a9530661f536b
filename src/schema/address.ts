import type { Address as AddressShape } from '../payments/address.ts';
import { builder } from './builder.ts';

export const Address = builder.objectRef<AddressShape>('Address').implement({
  description: 'A postal address.',
  fields: (t) => ({
    line1: t.exposeString('line1', { nullable: true, description: 'Street and number.' }),
    line2: t.exposeString('line2', { nullable: true, description: 'What else leads to the door.' }),
    city: t.exposeString('city', { nullable: true, description: 'The city.' }),
    state: t.exposeString('state', { nullable: true, description: 'State, province or region.' }),
    postalCode: t.exposeString('postalCode', { nullable: true, description: 'The postal code.' }),
    country: t.exposeString('country', { nullable: true, description: 'ISO 3166-1, two letters: "DE".' }),
  }),
});

export const AddressInput = builder.inputType('AddressInput', {
  description: 'A postal address.',
  fields: (t) => ({
    line1: t.string({ description: 'Street and number.' }),
    line2: t.string({ description: 'What else leads to the door.' }),
    city: t.string({ description: 'The city.' }),
    state: t.string({ description: 'State, province or region.' }),
    postalCode: t.string({ description: 'The postal code.' }),
    country: t.string({ description: 'ISO 3166-1, two capital letters: "DE".' }),
  }),
});

/** An address of an input, whole: what it leaves out is not there. */
export function addressOf(given: (typeof AddressInput)['$inferInput'] | null | undefined): AddressShape | null {
  if (given == null) return null;
  return {
    line1: given.line1 ?? null,
    line2: given.line2 ?? null,
    city: given.city ?? null,
    state: given.state ?? null,
    postalCode: given.postalCode ?? null,
    country: given.country ?? null,
  };
}
