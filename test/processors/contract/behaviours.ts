import { expect, test } from 'vitest';
import { decline, type DeclineCode } from '../../../src/domain/decline.ts';
import { AMOUNT, CAPTURED, HELD, NOTHING } from './bench.ts';
import type { Dealings } from './dealings.ts';

/** What every connector does, whatever is behind it. */

const DECLINED = [
  'generic_decline',
  'insufficient_funds',
  'lost_card',
  'stolen_card',
  'card_velocity_exceeded',
  'expired_card',
  'incorrect_cvc',
  'processing_error',
] as const satisfies readonly DeclineCode[];

const HALF = 400n;

export function testCharges(open: () => Dealings): void {
  test('a charge is approved and captured', async () => {
    const made = await open().charge('approved');
    expect(made.outcome).toMatchObject({ kind: 'approved', captured: true, expiresAt: null, settledAt: null });
    expect(made.outcome).toHaveProperty('reference', made.reference);
    expect(await open().lookUp(made)).toEqual(made.outcome);
    expect(await open().money(made)).toEqual(CAPTURED);
  });

  test.each(DECLINED)('a charge is declined: %s', async (code) => {
    const made = await open().charge(code);
    expect(made.outcome).toMatchObject({ kind: 'declined', decline: decline(code) });
    expect(await open().lookUp(made)).toEqual(made.outcome);
    expect(await open().money(made)).toEqual(NOTHING);
  });

  test('a charge waits for 3-D Secure, and is made when the payer has passed it', async () => {
    const made = await open().charge('challenged');
    const { outcome } = made;
    if (outcome.kind !== 'action_required') throw new Error(`it is ${outcome.kind}`);
    expect(outcome.expiresAt.getTime()).toBeGreaterThan(Date.now());
    expect(await open().lookUp(made)).toEqual(outcome);
    expect(await open().money(made)).toEqual(NOTHING);
    await open().bench.act(outcome.url, true);
    expect(await open().lookUp(made)).toMatchObject({ kind: 'approved', captured: true });
    expect(await open().money(made)).toEqual(CAPTURED);
  });

  test.each([
    ['challenged', false, 'three_d_secure_failed'],
    ['challenged_then_declined', true, undefined],
  ] as const)('a charge of a card that is %s, which the payer passes: %s', async (card, passes, code) => {
    const made = await open().charge(card);
    if (made.outcome.kind !== 'action_required') throw new Error(`it is ${made.outcome.kind}`);
    await open().bench.act(made.outcome.url, passes);
    const looked = await open().lookUp(made);
    expect(looked).toMatchObject({ kind: 'declined', reference: made.reference });
    if (code !== undefined) expect(looked).toMatchObject({ decline: decline(code) });
    expect(await open().money(made)).toEqual(NOTHING);
  });

  test('off session, nobody is sent to 3-D Secure', async () => {
    const made = await open().charge('challenged', { offSession: true });
    expect(made.outcome).toMatchObject({ kind: 'declined', decline: decline('authentication_required') });
    expect(await open().lookUp(made)).toEqual(made.outcome);
  });

  test('without a way back, nobody is sent to 3-D Secure, and what needs it is over', async () => {
    const made = await open().charge('challenged', { returnUrl: null });
    expect(made.outcome).toMatchObject({ kind: 'declined', decline: decline('return_url_missing') });
    expect(await open().lookUp(made)).toEqual(made.outcome);
    const other = await open().charge('approved', { returnUrl: null });
    expect(other.outcome).toMatchObject({ kind: 'approved' });
  });

  test.each([
    ['pending_then_approved', { kind: 'approved', captured: true }, CAPTURED],
    ['pending_then_declined', { kind: 'declined', decline: decline('generic_decline') }, NOTHING],
  ] as const)('a charge that is %s', async (card, end, money) => {
    const made = await open().charge(card);
    expect(made.outcome).toEqual({ kind: 'pending', reference: made.reference });
    expect(await open().lookUp(made)).toEqual(made.outcome);
    await open().bench.elapse();
    expect(await open().lookUp(made)).toMatchObject(end);
    expect(await open().money(made)).toEqual(money);
  });

  test.each(['approved', 'generic_decline', 'challenged', 'pending_then_approved'] as const)(
    'a charge that is asked for twice under one key is made once: %s',
    async (card) => {
      const first = await open().charge(card);
      const second = await open().ask(first.request);
      expect(second.outcome).toEqual(first.outcome);
      expect(await open().money(first)).toEqual(card === 'approved' ? CAPTURED : NOTHING);
    },
  );

  test('a charge that was never asked for is not found', async () => {
    const request = await open().request('approved');
    expect(await open().lookUp({ request, reference: null, outcome: { kind: 'unknown' } })).toEqual({
      kind: 'not_found',
    });
  });

  test('a charge whose time is over answers nothing that is not so', async () => {
    const made = await open().ask(await open().request('approved'), AbortSignal.abort());
    const money = await open().money(made);
    if (made.outcome.kind === 'approved') expect(money).toEqual(CAPTURED);
    else if (made.outcome.kind === 'not_sent') expect(money).toEqual(NOTHING);
    else expect(made.outcome).toEqual({ kind: 'unknown' });
  });
}

export function testMovements(open: () => Dealings): void {
  test('an authorisation is held, and captured whole', async () => {
    const made = await open().authorize('approved');
    expect(made.outcome).toMatchObject({ kind: 'approved', captured: false, settledAt: null });
    const { expiresAt } = made.outcome as { expiresAt: Date };
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
    expect(await open().lookUp(made)).toEqual(made.outcome);
    expect(await open().money(made)).toEqual(HELD);
    const capture = await open().move('capture', made);
    expect(capture.outcome).toMatchObject({ kind: 'succeeded', settledAt: null });
    expect(await open().lookUpMovement(capture)).toEqual(capture.outcome);
    expect(await open().money(made)).toEqual(CAPTURED);
  });

  test('an authorisation is captured in part, and the rest is released', async () => {
    const made = await open().authorize('approved');
    const capture = await open().move('capture', made, HALF);
    expect(capture.outcome).toMatchObject({ kind: 'succeeded' });
    expect(await open().lookUpMovement(capture)).toEqual(capture.outcome);
    expect(await open().money(made)).toEqual({ ...CAPTURED, captured: HALF });
    expect((await open().move('capture', made, HALF)).outcome).toMatchObject({ kind: 'failed', reference: null });
    expect(await open().money(made)).toEqual({ ...CAPTURED, captured: HALF });
  });

  test('an authorisation is voided, and then nothing can be captured of it', async () => {
    const made = await open().authorize('approved');
    const released = await open().move('void', made);
    expect(released.outcome).toMatchObject({ kind: 'succeeded' });
    expect(await open().lookUpMovement(released)).toEqual(released.outcome);
    expect(await open().lookUp(made)).toEqual({ kind: 'voided', reference: made.reference });
    expect(await open().money(made)).toMatchObject({ held: 0n, captured: 0n });
    expect((await open().move('capture', made)).outcome).toMatchObject({ kind: 'failed', reference: null });
  });

  test('what waits for the payer can be voided, and then they come too late', async () => {
    const made = await open().charge('challenged');
    if (made.outcome.kind !== 'action_required') throw new Error(`it is ${made.outcome.kind}`);
    expect((await open().move('void', made)).outcome).toMatchObject({ kind: 'succeeded' });
    await open().bench.act(made.outcome.url, true);
    expect(await open().lookUp(made)).toEqual({ kind: 'voided', reference: made.reference });
    expect(await open().money(made)).toEqual(NOTHING);
  });

  test('more than is held cannot be captured', async () => {
    const made = await open().authorize('approved');
    expect((await open().move('capture', made, AMOUNT + 1n)).outcome).toMatchObject({
      kind: 'failed',
      reference: null,
    });
    expect(await open().money(made)).toEqual(HELD);
  });

  test('what was captured cannot be voided', async () => {
    const made = await open().charge('approved');
    expect((await open().move('void', made)).outcome).toMatchObject({ kind: 'failed', reference: null });
    expect(await open().money(made)).toEqual(CAPTURED);
  });

  test('a charge is refunded in parts, and no more than it took', async () => {
    const made = await open().charge('approved');
    const refund = await open().move('refund', made, HALF);
    expect(refund.outcome).toMatchObject({ kind: 'succeeded', settledAt: null });
    expect(await open().lookUpMovement(refund)).toEqual(refund.outcome);
    expect((await open().move('refund', made, AMOUNT)).outcome).toMatchObject({ kind: 'failed', reference: null });
    expect((await open().move('refund', made, AMOUNT - HALF)).outcome).toMatchObject({ kind: 'succeeded' });
    expect((await open().move('refund', made, 1n)).outcome).toMatchObject({ kind: 'failed', reference: null });
    expect(await open().money(made)).toEqual({ ...CAPTURED, refunded: AMOUNT });
    expect(await open().lookUp(made)).toMatchObject({ kind: 'approved', captured: true });
  });

  test('a capture in part is refunded', async () => {
    const made = await open().authorize('approved');
    await open().move('capture', made, HALF);
    expect((await open().move('refund', made, HALF)).outcome).toMatchObject({ kind: 'succeeded' });
    expect(await open().money(made)).toEqual({ ...CAPTURED, captured: HALF, refunded: HALF });
  });

  test.each([
    ['refund_pending', 'pending', 'succeeded', AMOUNT],
    ['refund_fails_later', 'succeeded', 'failed', 0n],
  ] as const)('a refund of a card that is %s', async (card, first, later, refunded) => {
    const made = await open().charge(card);
    const refund = await open().move('refund', made);
    expect(refund.outcome).toMatchObject({ kind: first });
    const { reference } = refund.outcome as { reference: string };
    expect(await open().lookUpMovement(refund)).toEqual(refund.outcome);
    await open().bench.elapse();
    expect(await open().lookUpMovement(refund)).toMatchObject({ kind: later, reference });
    expect(await open().money(made)).toEqual({ ...CAPTURED, refunded });
  });

  test.each(['capture', 'void', 'refund'] as const)('a %s that is asked for twice is done once', async (name) => {
    const made = name === 'refund' ? await open().charge('approved') : await open().authorize('approved');
    const first = await open().move(name, made, name === 'void' ? AMOUNT : HALF);
    const after = await open().money(made);
    const second = await open().send(name, first.request);
    expect(second.outcome).toEqual(first.outcome);
    expect(await open().money(made)).toEqual(after);
  });

  test.each(['capture', 'void', 'refund'] as const)('a %s that was never asked for is not found', async (name) => {
    const made = name === 'refund' ? await open().charge('approved') : await open().authorize('approved');
    const { merchant, currency, key } = made.request;
    const request = { merchant, currency, key: `${key}:other`, chargeReference: made.reference ?? '', amount: AMOUNT };
    expect(await open().lookUpMovement({ name, request, outcome: { kind: 'unknown' } })).toEqual({
      kind: 'not_found',
    });
  });
}
