import type { OperationKind } from '../../generated/operations/graphql.ts';
import type { CrashPoint } from '../harness/crash-points.ts';
import { card, type Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { contradictions, readAccount, readOpen, readOperations, type Account } from './audit.ts';
import { KINDS, type Kind, type Send } from './kinds.ts';
import { setScene, type Scene } from './scene.ts';

/** What a client gets that sends its request once more. */
export type Resent =
  | { readonly kind: 'in progress' }
  | {
      readonly kind: 'answered';
      readonly replayed: boolean;
      readonly paymentId: string;
      /** The payment, capture or refund that the request made. */
      readonly resourceId: string;
    };

/** What became of one operation that was stopped. */
export interface Recovered {
  /** What the crash left of it: its status, and whether it is booked; undefined where nothing was committed. */
  readonly left: string | undefined;
  /** The client's request, sent to the second gateway at once. */
  readonly early: Resent;
  /** What it came to, and what the client was told when it asked again then. */
  readonly settled: Account;
  readonly again: Resent;
  /** After two more hours, with what is still open then. */
  readonly later: Account;
  readonly open: readonly string[];
  /** Of a charge that was never executed: after the payment was processed again. */
  readonly reprocessed: Account | undefined;
}

export interface Crash {
  /** By the name of its kind. */
  readonly recovered: ReadonlyMap<string, Recovered>;
  readonly contradictions: readonly object[];
}

/** The operations that are going to be stopped at one point. */
interface Case {
  readonly name: string;
  readonly kind: Kind;
  readonly send: Send;
  readonly paymentId?: string;
}

/** Kills a gateway in which an operation of every kind stands at this point, and starts another on its database. */
export async function crashAt(at: CrashPoint): Promise<Crash> {
  await using ends = new AsyncDisposableStack();
  const scene = await setScene(ends);
  const cases: Case[] = [];
  for (const [name, kind] of Object.entries(KINDS)) {
    if (!kind.points.includes(at)) continue;
    cases.push({ name, kind, ...(await kind.arrange(scene)) });
    await scene.child.order({});
  }
  await crash(scene, at, cases);
  const operations = await readOperations(scene);
  const till = await scene.restart();
  const resent = await inEach(cases, async (each) => ({ ...each, early: await resend(till, each.send) }));
  await scene.letTimePass();
  const settled = await inEach(resent, async (each) => ({ ...each, ...(await settle(scene, till, each)) }));
  await scene.letTimePass();
  const recovered = await inEach(settled, async (each) => ({
    ...each,
    left: operations.get(`${each.paymentId} ${each.kind.operation}`),
    ...(await finish(scene, till, each)),
  }));
  return {
    recovered: new Map(recovered.map((each) => [each.name, each])),
    contradictions: await contradictions(scene),
  };
}

/** Does something for every case at once. @throws with the name of the case */
function inEach<C extends Case, T>(cases: readonly C[], act: (of: C) => Promise<T>): Promise<T[]> {
  return Promise.all(
    cases.map((each) =>
      act(each).catch((cause: unknown) => {
        throw new Error(`${each.name}: ${cause instanceof Error ? cause.message : 'failed'}`, { cause });
      }),
    ),
  );
}

async function crash(
  { child, till, letTimePass, query }: Scene,
  at: CrashPoint,
  cases: readonly Case[],
): Promise<void> {
  const kinds: Record<string, OperationKind> = {};
  for (const { paymentId, kind } of cases) {
    if (paymentId !== undefined) kinds[paymentId.replace('pay_', '')] = kind.operation;
  }
  await child.order({ crash: { at, kinds, count: cases.length } });
  // What the gateway does by itself begins with this, and what it does for clients with their requests.
  await letTimePass();
  let answered: object | undefined;
  for (const { send } of cases.filter(({ kind }) => kind.byClient)) {
    send(till).then(
      (answer) => (answered = answer),
      () => 'as it should be: it was never answered',
    );
  }
  let signal: string | null | undefined;
  void child.ended.then((ended) => (signal = ended));
  await until(() => signal !== undefined || answered !== undefined).catch(() => 'told by what is open');
  if (signal === 'SIGKILL' && answered === undefined) return;
  const open = await query(`SELECT kind, status, payment_id FROM operation WHERE status <> 'COMPLETED'`);
  throw new Error(`not all came to ${at}: ${JSON.stringify({ signal, answered, open })}`);
}

async function resend(till: Till, send: Send): Promise<Resent> {
  const result = await send(till);
  if (result.__typename === 'IdempotencyInProgressError') return { kind: 'in progress' };
  if (!('payment' in result)) throw new Error(`refused: ${JSON.stringify(result)}`);
  const { payment, replayed } = result;
  const resource = 'capture' in result ? result.capture : 'refund' in result ? result.refund : payment;
  return { kind: 'answered', replayed, paymentId: payment.id, resourceId: resource.id };
}

type Settled = Pick<Recovered, 'settled' | 'again'> & { readonly paymentId: string; readonly isUnexecuted: boolean };

/** Waits until the client is answered and its operation has ended. */
async function settle(scene: Scene, till: Till, { kind, send }: Case): Promise<Settled> {
  const answered = await until(async () => {
    const result = await resend(till, send);
    return result.kind === 'answered' && result;
  });
  const { paymentId } = answered;
  const ends = [kind.done, kind.unexecuted].map((account) => account?.operations.join());
  await until(async () => ends.includes((await readAccount(scene, paymentId)).operations.join())).catch(
    () => 'told by the account',
  );
  const settled = await readAccount(scene, paymentId);
  const isUnexecuted = settled.status === 'FAILED';
  return { settled, again: await resend(till, send), paymentId, isUnexecuted };
}

/** Waits until nothing is open, and processes again what was never executed. */
async function finish(
  scene: Scene,
  till: Till,
  { paymentId, isUnexecuted }: Settled,
): Promise<Pick<Recovered, 'later' | 'open' | 'reprocessed'>> {
  await until(async () => (await readOpen(scene, paymentId)).length === 0).catch(() => 'told by `open`');
  const [later, open] = [await readAccount(scene, paymentId), await readOpen(scene, paymentId)];
  if (!isUnexecuted) return { later, open, reprocessed: undefined };
  await till.process({ paymentId, card: card() });
  return { later, open, reprocessed: await readAccount(scene, paymentId) };
}
