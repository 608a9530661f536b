/** The number of a payment's receipt: it has one, and its human id is unique in the environment. */
export function receiptNumberOf(humanId: string): string {
  return `R-${humanId}`;
}
