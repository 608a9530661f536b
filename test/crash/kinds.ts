import { randomUUID } from 'node:crypto';
import type { CreatePaymentInput, OperationKind } from '../../generated/operations/graphql.ts';
import { CRASH_POINTS, type CrashPoint } from '../harness/crash-points.ts';
import { card, type Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import * as account from './accounts.ts';
import type { Account } from './audit.ts';
import type { Scene } from './scene.ts';

/** A client's request, which may be sent again under its key, to another gateway too. */
export type Send = (till: Till) => ReturnType<Till['create' | 'process' | 'capture' | 'cancel' | 'refund']>;

/** A request, and the payment that it is about where there is one already. */
interface Arranged {
  readonly send: Send;
  readonly paymentId?: string;
}

/** One kind of operation that a gateway may be stopped in. */
export interface Kind {
  readonly operation: OperationKind;
  readonly points: readonly CrashPoint[];
  /** Whether the client's request is what does it; otherwise the gateway does it by itself when two hours have passed. */
  readonly byClient: boolean;
  /** Whether the client's key stands for this operation: until it has ended, the client is asked to wait. */
  readonly keyed: boolean;
  /** Everything that comes before. */
  readonly arrange: (scene: Scene) => Promise<Arranged>;
  /** What it comes to wherever the gateway was stopped; but see `unexecuted`. */
  readonly done: Account;
  /** What a charge comes to that the processor never executed: it is not repeated. */
  readonly unexecuted?: Account;
}

const APPROVED_LATER = '4000000000001018';
const CHARGED_THEN_DROPPED = '4000000000001026';
const REFUNDED_LATER = '4000000000007726';

const ALL_POINTS = Object.keys(CRASH_POINTS) as CrashPoint[];
const UNPLANNED = ALL_POINTS.filter((point) => !point.startsWith('plan'));

const BY_CLIENT = { points: UNPLANNED, byClient: true, keyed: true } as const;
const BY_ITSELF = { points: UNPLANNED, byClient: false, keyed: false } as const;
const PLANNED = { ...BY_ITSELF, points: ALL_POINTS } as const;
const CHARGE = { operation: 'CHARGE', done: account.CAPTURED, unexecuted: account.NOT_EXECUTED } as const;

function charge(input: Partial<CreatePaymentInput> = {}): Send {
  const whole = { idempotencyKey: randomUUID(), amount: 1000, card: card(), process: true, ...input };
  return (till) => till.create(whole);
}

function capture(paymentId: string): Arranged {
  const input = { idempotencyKey: randomUUID(), paymentId, amount: 600, final: true };
  return { paymentId, send: (till) => till.capture(input) };
}

function cancel(paymentId: string): Arranged {
  const input = { idempotencyKey: randomUUID(), paymentId };
  return { paymentId, send: (till) => till.cancel(input) };
}

function refund(paymentId: string): Arranged {
  const input = { idempotencyKey: randomUUID(), paymentId, amount: 400 };
  return { paymentId, send: (till) => till.refund(input) };
}

/** Sends a request that is not refused. @returns the payment */
async function sent(till: Till, send: Send): Promise<string> {
  const result = await send(till);
  if (!('payment' in result)) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result.payment.id;
}

/** Every kind of operation, in the order in which they are arranged. */
export const KINDS: Readonly<Record<string, Kind>> = {
  // The first of all, because time passes for it.
  'a return of a charge whose approval was found too late': {
    ...PLANNED,
    operation: 'RETURN',
    async arrange({ child, till, letTimePass }) {
      await child.order({ lookUps: 'not_found' });
      const paymentId = await sent(till, charge({ card: card(CHARGED_THEN_DROPPED) }));
      await letTimePass();
      await until(async () => (await till.read(paymentId)).status === 'FAILED');
      const canceled = cancel(paymentId);
      await sent(till, canceled.send);
      return canceled;
    },
    done: account.RETURNED,
  },
  'a void of a charge whose approval was found after it was canceled': {
    ...PLANNED,
    operation: 'VOID',
    async arrange({ till }) {
      const paymentId = await sent(till, charge({ captureMethod: 'MANUAL', card: card(CHARGED_THEN_DROPPED) }));
      const canceled = cancel(paymentId);
      await sent(till, canceled.send);
      return canceled;
    },
    done: account.VOIDED,
  },
  'a capture that was lost and is made again': {
    ...PLANNED,
    keyed: true,
    operation: 'CAPTURE',
    async arrange({ child, till }) {
      const lost = capture(await sent(till, charge({ captureMethod: 'MANUAL' })));
      await child.order({ calls: 'lost' });
      await sent(till, lost.send);
      return lost;
    },
    done: account.PART_CAPTURED,
  },
  'a retry after a decline': {
    ...BY_ITSELF,
    ...CHARGE,
    async arrange({ child, till }) {
      await till.setRetrySchedule(3_600);
      await child.order({ calls: 'declined' });
      const send = charge();
      const paymentId = await sent(till, send);
      await till.setRetrySchedule();
      return { send, paymentId };
    },
    done: account.retried(account.CAPTURED),
    unexecuted: account.retried(account.NOT_EXECUTED),
  },
  'a charge at its date': {
    ...BY_ITSELF,
    ...CHARGE,
    async arrange({ till }) {
      const send = charge({ process: false, paymentDate: new Date(Date.now() + 3_600_000).toISOString() });
      return { send, paymentId: await sent(till, send) };
    },
  },
  'a charge, captured at once': {
    ...BY_CLIENT,
    ...CHARGE,
    arrange: () => Promise.resolve({ send: charge() }),
  },
  'a charge, authorised only': {
    ...BY_CLIENT,
    ...CHARGE,
    arrange: () => Promise.resolve({ send: charge({ captureMethod: 'MANUAL' }) }),
    done: account.AUTHORIZED,
  },
  'a charge whose result comes later': {
    ...BY_CLIENT,
    ...CHARGE,
    arrange: () => Promise.resolve({ send: charge({ card: card(APPROVED_LATER) }) }),
  },
  'a charge of a payment that waited for it': {
    ...BY_CLIENT,
    ...CHARGE,
    async arrange({ till }) {
      const paymentId = await sent(till, charge({ process: false }));
      const input = { idempotencyKey: randomUUID(), paymentId };
      return { paymentId, send: (to) => to.process(input) };
    },
  },
  'a capture': {
    ...BY_CLIENT,
    operation: 'CAPTURE',
    arrange: async ({ till }) => capture(await sent(till, charge({ captureMethod: 'MANUAL' }))),
    done: account.PART_CAPTURED,
  },
  'a void': {
    ...BY_CLIENT,
    operation: 'VOID',
    arrange: async ({ till }) => cancel(await sent(till, charge({ captureMethod: 'MANUAL' }))),
    done: account.VOIDED,
  },
  'a refund': {
    ...BY_CLIENT,
    operation: 'REFUND',
    arrange: async ({ till }) => refund(await sent(till, charge())),
    done: account.PART_REFUNDED,
  },
  'a refund whose result comes later': {
    ...BY_CLIENT,
    operation: 'REFUND',
    arrange: async ({ till }) => refund(await sent(till, charge({ card: card(REFUNDED_LATER) }))),
    done: account.PART_REFUNDED,
  },
};
