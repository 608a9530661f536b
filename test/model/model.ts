/**
 * What a payment may do, told once more in a few rules of its own: it shares nothing with src. It does not know when
 * the processor answers or what gets lost on the way, so requests.ts and happenings.ts
 * say everything that may come next, and explain.ts finds out what did.
 */

/** How the sandbox treats a card: its charge, captures of it and refunds of it. */
interface Card {
  readonly number: string;
  readonly charge?: 'declined' | 'later' | 'declined later';
  readonly capture?: 'later' | 'fails later' | 'comes back';
  readonly refund?: 'later' | 'comes back';
}

export const CARDS = {
  good: { number: '4242424242424242' },
  stolen: { number: '4000000000009979', charge: 'declined' },
  unlucky: { number: '4000000000000119', charge: 'declined' },
  slow: { number: '4000000000001018', charge: 'later' },
  slowlyDeclined: { number: '4000000000001067', charge: 'declined later' },
  answerLost: { number: '4000000000001026' },
  requestLost: { number: '4000000000001034', charge: 'declined' },
  capturesLater: { number: '4000000000001083', capture: 'later' },
  capturesFail: { number: '4000000000001091', capture: 'fails later' },
  capturesComeBack: { number: '4000000000001109', capture: 'comes back' },
  refundsLater: { number: '4000000000007726', refund: 'later' },
  refundsComeBack: { number: '4000000000005126', refund: 'comes back' },
} as const satisfies Record<string, Card>;

export type CardName = keyof typeof CARDS;

export function cardOf(name: CardName): Card {
  return CARDS[name];
}

interface Creation {
  readonly type: 'create';
  readonly amount: number;
  readonly manual: boolean;
  readonly process: boolean;
  readonly card: CardName | null;
}

export type Wish =
  | Creation
  | { readonly type: 'process'; readonly card: CardName | null }
  | { readonly type: 'capture'; readonly amount: number | null; readonly final: boolean }
  | { readonly type: 'refund'; readonly amount: number | null }
  | { readonly type: 'cancel' };

/** A wish under an idempotency key. */
export type Request = Wish & { readonly key: string };

/** Something that is under way at the processor, and the key of the request that asked for it. */
export type Open =
  | { readonly type: 'charge'; readonly key: string; readonly card: CardName; readonly accepted: boolean }
  | {
      readonly type: 'capture';
      readonly key: string;
      readonly amount: number;
      readonly final: boolean;
      readonly accepted: boolean;
    }
  | { readonly type: 'void'; readonly key: string }
  | { readonly type: 'refund'; readonly key: string; readonly amount: number }
  /** A capture or refund that was made, and that the bank will take or send back. */
  | { readonly type: 'reversal' | 'return'; readonly key: null; readonly amount: number };

type Status = 'NONE' | 'CREATED' | 'PROCESSING' | 'AUTHORIZED' | 'CAPTURED' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';

export interface State {
  readonly status: Status;
  readonly amount: number;
  readonly manual: boolean;
  /** The card that the next attempt takes unless told otherwise, and the one that was charged. */
  readonly method: CardName | null;
  readonly charged: CardName | null;
  readonly authorized: number;
  readonly capturing: number;
  readonly captured: number;
  readonly reversed: number;
  readonly released: number;
  readonly refunding: number;
  readonly refunded: number;
  readonly refundFailed: boolean;
  readonly ending: boolean;
  readonly attempts: number;
  readonly captures: number;
  readonly refunds: number;
  readonly open: readonly Open[];
  /** Charges that were given up, and might turn out to have been made. */
  readonly lost: readonly CardName[];
  /** The keys that were used, each with its input. */
  readonly used: Readonly<Record<string, string>>;
}

export const NONE: State = {
  status: 'NONE',
  amount: 0,
  manual: false,
  method: null,
  charged: null,
  authorized: 0,
  capturing: 0,
  captured: 0,
  reversed: 0,
  released: 0,
  refunding: 0,
  refunded: 0,
  refundFailed: false,
  ending: false,
  attempts: 0,
  captures: 0,
  refunds: 0,
  open: [],
  lost: [],
  used: {},
};

/** What is to end is voided as soon as the processor has named it. */
export function voidIfKnown(state: State, key: string): State {
  const isKnown = state.status === 'AUTHORIZED' || state.open.some((each) => each.type === 'charge' && each.accepted);
  const isVoided = state.open.some(({ type }) => type === 'void');
  return state.ending && isKnown && !isVoided ? { ...state, open: [...state.open, { type: 'void', key }] } : state;
}

export function capturable(state: State): number {
  return state.status === 'AUTHORIZED' ? state.authorized - state.captured - state.capturing - state.released : 0;
}

export function refundable(state: State): number {
  return Math.max(0, state.captured - state.reversed - state.refunded - state.refunding);
}

/** A payment as a client sees it in one answer. */
export type View = Readonly<Record<string, string | number | boolean>>;

export function view(state: State): View {
  return {
    status: state.status,
    refundStatus: refundStatus(state),
    authorized: state.authorized,
    captured: state.captured,
    reversed: state.reversed,
    refunding: state.refunding,
    refunded: state.refunded,
    capturable: capturable(state),
    refundable: refundable(state),
    ending: state.ending,
  };
}

function refundStatus({ refunding, refunded, captured, refundFailed }: State): string {
  if (refunding > 0) return 'PENDING';
  if (refunded > 0) return refunded === captured ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  return refundFailed ? 'FAILED' : 'NONE';
}
