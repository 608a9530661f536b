/** A day of UTC: "2026-11-20". */

const DAY_MS = 24 * 3_600_000;

export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

export function dayBefore(day: string): string {
  return dayOf(new Date(Date.parse(day) - DAY_MS));
}

/** From its first moment until the next day's; undefined for what is no day. */
export function stretchOf(day: string): { readonly from: Date; readonly until: Date } | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined;
  const fromMs = Date.parse(day);
  // 2026-02-30 is read as a day of March by some engines, and as none by others.
  if (Number.isNaN(fromMs) || dayOf(new Date(fromMs)) !== day) return undefined;
  return { from: new Date(fromMs), until: new Date(fromMs + DAY_MS) };
}
