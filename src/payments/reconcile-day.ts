import type { Reconciliation } from '../../generated/prisma/client.ts';
import { dayOf, stretchOf } from '../domain/day.ts';
import { MARGIN_MS } from '../domain/reconciliation.ts';
import { ok, type Result } from '../domain/result.ts';
import { SANDBOX } from '../processors/sandbox/sandbox.ts';
import type { Place } from '../store/operations.ts';
import { findProcessorAccount } from '../store/processor-accounts.ts';
import {
  addRuns,
  addWantedRun,
  findOpenRun,
  readPlaces,
  type NewRun,
  type PlaceFilter,
} from '../store/reconciliation.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { Reconciler } from './reconcile.ts';

/** Puts down that a day is to be compared, in every place, by whichever process comes first. It is done once. */
export async function planDay(gateway: Reconciler, day: string): Promise<void> {
  const stretch = stretchOf(day);
  if (stretch === undefined) throw new Error(`${day} is no day`);
  const places = await placesOf(gateway, stretch);
  await addRuns(
    gateway.database,
    places.map((place) => runOf(gateway, place, stretch, { daily: true, createdBy: 'gateway' })),
  );
}

type Days = NonNullable<ReturnType<typeof stretchOf>>;

/** Calls that were begun in a stretch end a little after it. */
export function placesOf({ database }: Reconciler, { from, until }: Days, filter?: PlaceFilter): Promise<Place[]> {
  return readPlaces(database, { from, until: new Date(until.getTime() + MARGIN_MS) }, filter);
}

/** What is to be compared, and because of whom. */
export function runOf(
  { newId }: Reconciler,
  place: Place,
  { from, until }: Days,
  by: Pick<NewRun, 'daily' | 'createdBy'>,
): NewRun {
  return { ...place, id: newId(), fromAt: from, untilAt: until, ...by };
}

/**
 * Has a day compared once more with the books of one account, or of the sandbox. It is put down, and done by whichever
 * process comes first: its status says how far it is. While it waits, asking again changes nothing.
 */
export async function reconcileDay(
  gateway: Gateway,
  { environmentId, actor, mode, requestId }: Caller,
  { day, processorAccountId }: { readonly day: string; readonly processorAccountId: string | null },
): Promise<Result<Pick<Reconciliation, 'id'>, Failure>> {
  const stretch = stretchOf(day);
  if (stretch === undefined) return invalid('A day is written like 2026-11-20.', 'day');
  if (day > dayOf(gateway.now())) return invalid('This day has not come yet.', 'day');
  if (processorAccountId === null && mode === 'LIVE') {
    return invalid('The sandbox has no books in live mode: name an account.', 'processorAccountId');
  }
  const account =
    processorAccountId && (await findProcessorAccount(gateway.database, environmentId, processorAccountId));
  if (account === undefined) return notFound('processor account', 'processorAccountId');
  const place = { environmentId, processor: account ? account.processor : SANDBOX, processorAccountId };
  const open = await findOpenRun(gateway.database, place, stretch);
  if (open !== undefined) return ok(open);
  const run = runOf(gateway, place, stretch, { daily: false, createdBy: actor });
  await addWantedRun(gateway.database, run, { requestId });
  return ok(run);
}
