import { unreachable } from '../../src/domain/result.ts';
import { capturable, cardOf, voidIfKnown, type CardName, type Open, type State } from './model.ts';

/** What may happen next with nobody asking: an answer takes effect, or a charge that was given up turns up. */
export function happenings(state: State): State[] {
  const adopted = state.lost.map((card, index) => approved({ ...state, lost: state.lost.toSpliced(index, 1) }, card));
  return [
    ...state.open.flatMap((each, index) => ends({ ...state, open: state.open.toSpliced(index, 1) }, each)),
    ...(state.status === 'FAILED' ? adopted : []),
  ];
}

/** @param state without what comes to its end */
function ends(state: State, open: Open): State[] {
  switch (open.type) {
    case 'charge':
      return chargeEnds(state, open);
    case 'capture':
      return captureEnds(state, open);
    case 'void':
      return voidEnds(state, open);
    case 'refund':
      return refundEnds(state, open.amount);
    case 'reversal':
      return [{ ...state, reversed: state.reversed + open.amount }];
    case 'return':
      return [{ ...state, refunded: state.refunded - open.amount, refundFailed: true }];
    default:
      return unreachable(open);
  }
}

function chargeEnds(state: State, open: Extract<Open, { type: 'charge' }>): State[] {
  const { charge, capture } = cardOf(open.card);
  const fails: State = { ...state, status: state.ending ? 'CANCELED' : 'FAILED', ending: false };
  if (charge === 'declined') return [fails];
  // A charge that captures at once takes the course of its capture.
  const atOnce = state.manual ? undefined : capture;
  const ended = charge === 'declined later' || atOnce === 'fails later' ? fails : approved(state, open.card);
  if (open.accepted) return [ended];
  const ending = [ended, { ...fails, lost: [...state.lost, open.card] }];
  if (charge === undefined && (atOnce === undefined || atOnce === 'comes back')) return ending;
  return [voidIfKnown({ ...state, open: [...state.open, { ...open, accepted: true }] }, ''), ...ending];
}

function approved(state: State, card: CardName): State {
  const { amount } = state;
  const after = { ...state, charged: card, authorized: amount, released: 0 };
  if (state.manual) return voidIfKnown({ ...after, status: 'AUTHORIZED' }, '');
  const charged: State = {
    ...after,
    status: 'SUCCEEDED',
    captured: amount,
    captures: state.captures + 1,
    ending: false,
  };
  return cardOf(card).capture === 'comes back' ? soon(charged, 'reversal', amount) : charged;
}

function captureEnds(state: State, open: Extract<Open, { type: 'capture' }>): State[] {
  const { authorized, captured: before } = state;
  const isLast = open.final || capturable(state) === 0;
  const captured = before + open.amount;
  const made: State = isLast
    ? { ...state, capturing: 0, captured, status: 'SUCCEEDED', released: authorized - captured }
    : { ...state, capturing: 0, captured };
  // The last capture uses the authorisation up, whatever becomes of it.
  const usedUp: State = {
    ...state,
    capturing: 0,
    status: before > 0 ? 'SUCCEEDED' : 'FAILED',
    released: authorized - before,
  };
  const failed = isLast ? usedUp : { ...state, capturing: 0 };
  const accepted: State = {
    ...state,
    status: isLast ? 'CAPTURED' : state.status,
    open: [...state.open, { ...open, accepted: true }],
  };
  switch (state.charged === null ? undefined : cardOf(state.charged).capture) {
    case 'later':
      return open.accepted ? [made] : [accepted, made];
    case 'fails later':
      return open.accepted ? [failed] : [accepted, failed];
    case 'comes back':
      return [soon(made, 'reversal', open.amount), failed];
    default:
      return [made];
  }
}

/** @param open the void itself, which may come to its end only after what it did is known from elsewhere */
function voidEnds(state: State, open: Open): State[] {
  if (!state.ending) return [state];
  const charge = state.open.find(({ type }) => type === 'charge');
  const released = {
    ...state,
    status: state.captured > 0 ? ('SUCCEEDED' as const) : ('CANCELED' as const),
    released: state.authorized - state.captured,
    ending: false,
    open: state.open.filter((each) => each !== charge),
  };
  const ended = [released, { ...released, open: [...released.open, open] }];
  // It had come to its end by then, which the gateway is yet to hear: there was nothing to void.
  return charge === undefined || state.manual ? ended : [...ended, { ...state, ending: false }];
}

function refundEnds(state: State, amount: number): State[] {
  const after = { ...state, refunding: state.refunding - amount };
  const made = { ...after, refunded: state.refunded + amount };
  const failed = { ...after, refundFailed: true };
  const card = state.charged === null ? undefined : cardOf(state.charged);
  if (card?.refund === 'comes back') return [soon(made, 'return', amount), failed];
  // What was taken back by then cannot be given back.
  return card?.capture === 'comes back' ? [made, failed] : [made];
}

function soon(state: State, type: 'reversal' | 'return', amount: number): State {
  return { ...state, open: [...state.open, { type, key: null, amount }] };
}
