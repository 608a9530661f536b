/** What can go wrong with a request, at the stand-in or on the way to it and back. */
export type FaultKind =
  /** It is held, with nothing done, until the test lets it go on; the answer then finds nobody. */
  | 'stalled'
  /** It is done, and never answered. */
  | 'unanswered'
  | 'reset_before'
  | 'reset_after'
  /** Done; the answer's body ends in the middle. */
  | 'cut_body'
  | 'html_502_before'
  | 'html_502_after'
  | 'error_500_before'
  | 'error_500_after'
  | 'lock_timeout'
  | 'rate_limited';

/** What Stripe is asked for, as the stand-in calls it. */
export type RouteName =
  | 'create_method'
  | 'read_method'
  | 'create_intent'
  | 'read_intent'
  | 'update_intent'
  | 'list_intents'
  | 'confirm'
  | 'capture'
  | 'cancel'
  | 'create_refund'
  | 'read_refund'
  | 'list_refunds'
  | 'list_disputes'
  | 'balance';

/** Whether the request takes effect in spite of the fault. */
export function isDone(fault: FaultKind): boolean {
  return fault === 'unanswered' || fault === 'cut_body' || fault.endsWith('_after');
}

/** Faults that are to come, each for the next requests of a route. */
export class Faults {
  readonly #planned: { readonly route: RouteName; readonly kind: FaultKind; left: number }[] = [];

  /** @param times how many requests: the SDK sends one that was reset a second time by itself */
  plan(route: RouteName, kind: FaultKind, times = 1): void {
    this.#planned.push({ route, kind, left: times });
  }

  take(route: RouteName): FaultKind | undefined {
    const next = this.#planned.find((each) => each.route === route && each.left > 0);
    if (next === undefined) return undefined;
    next.left -= 1;
    return next.kind;
  }

  clear(): void {
    this.#planned.length = 0;
  }
}
