import fc from 'fast-check';
import { unreachable } from '../../src/domain/result.ts';
import { CARDS, type CardName, type Request, type Wish } from './model.ts';
import type { Fate } from './faults.ts';
import { ROUNDS, type Round } from './shop.ts';

/** A wish before it is known which payment it is about: a share is in thousandths of the amount, null is all there is. */
export type Intent =
  | { readonly type: 'process'; readonly card: CardName | null }
  | { readonly type: 'capture'; readonly share: number | null; readonly final: boolean }
  | { readonly type: 'refund'; readonly share: number | null }
  | { readonly type: 'cancel' }
  /** Sends an earlier request again: the last but so many, as it was, or with another input. */
  | { readonly type: 'repeat'; readonly back: number; readonly changed: boolean };

/** What several clients want of one payment at once, and what goes on meanwhile. */
export interface Rush {
  readonly payment: number;
  readonly intents: readonly Intent[];
  readonly rounds: readonly Round[];
}

/** The good ones come more often: what is declined goes no further. */
const cardName: fc.Arbitrary<CardName> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<CardName>('good', 'good', 'refundsLater', 'refundsComeBack') },
  { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(CARDS) as CardName[])) },
);

const share = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(null, 1000, 500) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 400 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1001, 1500) },
);

const seldom = fc.nat(3).map((each) => each === 3);

const INTENTS: Readonly<Record<Intent['type'], fc.Arbitrary<Intent>>> = {
  process: fc.record({ type: fc.constant('process' as const), card: fc.option<CardName>(cardName) }),
  capture: fc.record({ type: fc.constant('capture' as const), share, final: seldom }),
  refund: fc.record({ type: fc.constant('refund' as const), share }),
  cancel: fc.constant({ type: 'cancel' }),
  repeat: fc.record({ type: fc.constant('repeat' as const), back: fc.nat(3), changed: seldom }),
};

const atOnce = (...types: readonly Intent['type'][]) =>
  fc.array(fc.oneof(...types.map((type) => INTENTS[type])), { minLength: 1, maxLength: 4 });

/** Most often, clients get in each other's way. */
export const rush: fc.Arbitrary<Rush> = fc.record({
  payment: fc.nat(2),
  intents: fc.oneof(
    atOnce('process', 'capture', 'refund', 'cancel', 'repeat'),
    atOnce('capture', 'capture', 'refund', 'repeat'),
    atOnce('refund', 'refund', 'capture', 'repeat'),
    atOnce('capture', 'cancel'),
    atOnce('process', 'process', 'cancel', 'repeat'),
  ),
  rounds: fc.subarray([...ROUNDS]),
});

/** How a payment begins: how it is created, and by how many clients at once. */
export interface Beginning {
  readonly amount: number;
  readonly manual: boolean;
  readonly process: boolean;
  readonly card: CardName | null;
  readonly copies: number;
}

export const beginnings: fc.Arbitrary<readonly Beginning[]> = fc.uniqueArray(
  fc
    .record({
      amount: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 100, max: 1_000_000 })),
      manual: fc.boolean(),
      process: seldom.map((isSeldom) => !isSeldom),
      card: fc.option(cardName, { freq: 10 }),
      copies: seldom.map((isSeldom) => (isSeldom ? 2 : 1)),
    })
    .map((made) => ({ ...made, process: made.process && made.card !== null })),
  { minLength: 1, maxLength: 3, selector: ({ amount }) => amount },
);

/** The fates of a run's calls: most of them pass. */
export const fates: fc.Arbitrary<readonly Fate[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('passes' as const) },
    { weight: 4, arbitrary: fc.constantFrom<Fate>('before', 'after', 'late', 'late') },
  ),
  { minLength: 1, maxLength: 12 },
);

/** The requests that clients send for what they want of a payment, after those that they have sent before. */
export function requestsOf(intents: readonly Intent[], sent: readonly Request[], amount: number): Request[] {
  const all = [...sent];
  for (const each of intents) {
    if (each.type === 'repeat') {
      const earlier = all.at(-1 - (each.back % all.length));
      if (earlier === undefined) throw new Error('a payment that nobody created');
      all.push(each.changed ? changed(earlier) : earlier);
    } else {
      all.push({ ...wishOf(each, amount), key: `${amount}-${all.length}` });
    }
  }
  return all.slice(sent.length);
}

function wishOf(intent: Exclude<Intent, { type: 'repeat' }>, whole: number): Wish {
  if (intent.type === 'process' || intent.type === 'cancel') return intent;
  const { share: part, ...rest } = intent;
  return { ...rest, amount: part === null ? null : Math.floor((whole * part) / 1000) };
}

/** The same key with another input, where there is one. */
function changed(request: Request): Request {
  switch (request.type) {
    case 'create':
      return { ...request, manual: !request.manual };
    case 'process':
      return { ...request, card: request.card === 'good' ? 'stolen' : 'good' };
    case 'capture':
    case 'refund':
      return { ...request, amount: request.amount === null ? 1 : null };
    case 'cancel':
      return request;
    default:
      return unreachable(request);
  }
}

/** For people: refund(500) under its key. */
export function inWords({ key, type, ...rest }: Request): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return `${type}(${details.join(', ')}) [${key}]`;
}
