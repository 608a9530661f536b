/** What secret keys may do. READ reads and subscribes; the others each open what none of the rest does. */
export const KEY_SCOPES = ['READ', 'WRITE', 'REFUND', 'ADMIN'] as const;

export type KeyScope = (typeof KEY_SCOPES)[number];

/** The set of scopes that a key has of which these are said: each once, in their order, and READ, which all imply. */
export function scopeSet(scopes: readonly KeyScope[]): KeyScope[] {
  return KEY_SCOPES.filter((scope) => scope === 'READ' || scopes.includes(scope));
}

/** The first scope that is wanted and not there; undefined where none is missing. */
export function missingScope(there: readonly KeyScope[], wanted: readonly KeyScope[]): KeyScope | undefined {
  return wanted.find((scope) => !there.includes(scope));
}
