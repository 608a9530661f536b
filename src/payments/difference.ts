import { isDeepStrictEqual } from 'node:util';
import type { Audited } from '../store/audit.ts';

/**
 * What the audit log tells of a change of a row: of some fields what they were and are, of others only that they are
 * something else now, because they hold secrets, or texts that people wrote.
 */
export function differenceOf<R extends object>(
  before: R,
  after: R,
  { told, named }: { readonly told: readonly (keyof R)[]; readonly named: readonly (keyof R)[] },
): Required<Pick<Audited, 'before' | 'after'>> {
  const differs = (field: keyof R): boolean => !isDeepStrictEqual(before[field], after[field]);
  const changed = told.filter(differs);
  const pick = (row: R): object => Object.fromEntries(changed.map((field) => [field, row[field]]));
  const others = named.filter(differs);
  return { before: pick(before), after: { ...pick(after), ...(others.length > 0 && { otherwise: others }) } };
}
