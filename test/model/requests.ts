import { unreachable } from '../../src/domain/result.ts';
import { capturable, refundable, voidIfKnown, type CardName, type Request, type State } from './model.ts';

/** What a request is told, apart from the payment that comes with it. */
export type Verdict =
  | { readonly is: 'done'; readonly replayed: boolean }
  | { readonly is: 'IllegalStateError'; readonly status: string }
  | { readonly is: 'RefundTooLargeError' | 'CaptureTooLargeError'; readonly maximum: number }
  | { readonly is: 'InvalidInputError' | 'IdempotencyKeyReusedError' | 'IdempotencyInProgressError' };

export interface Step {
  readonly verdict: Verdict;
  readonly next: State;
}

/** Everything that a request may be told, and the payment after it. */
export function answers(state: State, request: Request): Step[] {
  const refuse = (verdict: Verdict): Step[] => [{ verdict, next: state }];
  const { key, ...wish } = request;
  const used = `${wish.type} ${key}`;
  const input = JSON.stringify(wish);
  if (used in state.used) {
    if (state.used[used] !== input) return refuse({ is: 'IdempotencyKeyReusedError' });
    const isOpen = state.open.some((each) => each.key === key);
    const replayed = refuse({ is: 'done', replayed: true });
    return isOpen ? [...replayed, ...refuse({ is: 'IdempotencyInProgressError' })] : replayed;
  }
  // The amount is read in the payment's currency, so not before the key is looked up.
  if ('amount' in wish && wish.amount === 0) return refuse({ is: 'InvalidInputError' });
  const next = begin(state, request);
  if ('is' in next) return refuse(next);
  return [{ verdict: { is: 'done', replayed: false }, next: { ...next, used: { ...state.used, [used]: input } } }];
}

function begin(state: State, request: Request): State | Verdict {
  const illegal = { is: 'IllegalStateError', status: state.status } as const;
  const { key } = request;
  switch (request.type) {
    case 'create': {
      const { amount, manual, card } = request;
      const created: State = { ...state, status: 'CREATED', amount, manual, method: card };
      return request.process && card !== null ? charge(created, key, card) : created;
    }
    case 'process': {
      const card = request.card ?? state.method;
      if (card === null) return { is: 'InvalidInputError' };
      return state.status === 'CREATED' || state.status === 'FAILED' ? charge(state, key, card) : illegal;
    }
    case 'capture': {
      if (state.status !== 'AUTHORIZED' || state.capturing > 0 || state.ending) return illegal;
      const amount = request.amount ?? capturable(state);
      if (amount > capturable(state)) return { is: 'CaptureTooLargeError', maximum: capturable(state) };
      const open = [...state.open, { type: 'capture', key, amount, final: request.final, accepted: false } as const];
      return { ...state, capturing: amount, captures: state.captures + 1, open };
    }
    case 'refund': {
      if (!['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'].includes(state.status)) return illegal;
      const amount = request.amount ?? refundable(state);
      if (amount === 0 || amount > refundable(state)) {
        return { is: 'RefundTooLargeError', maximum: refundable(state) };
      }
      const open = [...state.open, { type: 'refund', key, amount } as const];
      return { ...state, refunding: state.refunding + amount, refunds: state.refunds + 1, open };
    }
    case 'cancel':
      if (state.status === 'CREATED' || state.status === 'FAILED') return { ...state, status: 'CANCELED' };
      if (state.status !== 'PROCESSING' && state.status !== 'AUTHORIZED') return illegal;
      return state.capturing > 0 || state.ending ? illegal : voidIfKnown({ ...state, ending: true }, key);
    default:
      return unreachable(request);
  }
}

function charge(state: State, key: string, card: CardName): State {
  const open = [...state.open, { type: 'charge', key, card, accepted: false } as const];
  // What a last capture that failed had used up is not this attempt's.
  const anew = { authorized: 0, released: 0, attempts: state.attempts + 1 };
  return { ...state, ...anew, status: 'PROCESSING', method: card, open };
}
