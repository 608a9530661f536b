import type { Pool } from 'pg';
import { chargeOf, type Charge, type ChargeRow, type Movement, type NewCharge, type NewMovement } from './records.ts';
import { ADD_CHARGES, addMovements as addMovementsOf, CHARGE_COLUMNS, MOVEMENT_COLUMNS } from './statements.ts';

/*
 * What every payment asks of the books, for many at once: a processor of many merchants is no bottleneck, and nor is this
 * one to be.
 */

/** Lets what is asked for at the same time be done by one call of `run`. */
export type Gather = <K, V>(
  lanes: { readonly atOnce: number },
  run: (keys: readonly K[]) => Promise<readonly (V | Error)[]>,
) => (key: K) => Promise<V>;

export const oneByOne: Gather = (_, run) => async (key) => {
  const [result] = await run([key]);
  if (result instanceof Error) throw result;
  return result as Exclude<typeof result, Error | undefined>;
};

export interface CardRow {
  readonly merchant: string;
  readonly token: string;
  readonly behavior: string;
}

export async function addCards(pool: Pool, cards: readonly CardRow[]): Promise<undefined[]> {
  await pool.query({
    name: 'sandbox_add_cards',
    text: `INSERT INTO sandbox_card (merchant, token, behavior)
           SELECT merchant, token, behavior
           FROM unnest($1::text[], $2::text[], $3::text[]) AS new (merchant, token, behavior)`,
    values: [
      cards.map(({ merchant }) => merchant),
      cards.map(({ token }) => token),
      cards.map((card) => card.behavior),
    ],
  });
  return cards.map(() => undefined);
}

export async function readCards(
  pool: Pool,
  cards: readonly Omit<CardRow, 'behavior'>[],
): Promise<(string | undefined)[]> {
  const { rows } = await pool.query<CardRow>({
    name: 'sandbox_read_cards',
    text: `SELECT merchant, token, behavior FROM sandbox_card
           JOIN unnest($1::text[], $2::text[]) AS asked (merchant, token) USING (merchant, token)`,
    values: [cards.map(({ merchant }) => merchant), cards.map(({ token }) => token)],
  });
  const found = new Map(rows.map(({ merchant, token, behavior }) => [`${merchant} ${token}`, behavior]));
  return cards.map(({ merchant, token }) => found.get(`${merchant} ${token}`));
}

/** What is asked for is found by whose it is and by its key. */
type Keyed = Pick<NewCharge, 'merchant' | 'key'>;

const placeOf = ({ merchant, key }: Keyed): string => `${merchant} ${key}`;

/** Books charges; undefined for one whose key was used before: it is not booked. */
export async function addCharges(
  pool: Pool,
  charges: readonly NewCharge[],
  settlementMs: number,
): Promise<(Charge | undefined)[]> {
  const rows = charges.map(({ next, ...charge }) => ({
    ...charge,
    amount: String(charge.amount),
    nextStatus: next?.status ?? null,
    nextInMs: next?.inMs ?? null,
  }));
  const values = [JSON.stringify(rows), settlementMs];
  const booked = await pool.query<ChargeRow & Keyed>({ name: 'sandbox_add_charges', text: ADD_CHARGES, values });
  return inOrderOf(charges, booked.rows, chargeOf);
}

export async function readCharges(pool: Pool, charges: readonly Keyed[]): Promise<(Charge | undefined)[]> {
  const { rows } = await pool.query<ChargeRow & Keyed>({
    name: 'sandbox_read_charges',
    text: `SELECT merchant, key, ${CHARGE_COLUMNS} FROM sandbox_charge
           JOIN unnest($1::text[], $2::text[]) AS asked (merchant, key) USING (merchant, key)`,
    values: [charges.map(({ merchant }) => merchant), charges.map(({ key }) => key)],
  });
  return inOrderOf(charges, rows, chargeOf);
}

/** The behaviours of the cards that charges were made with. */
export async function readCardsOfCharges(
  pool: Pool,
  charges: readonly Pick<NewMovement, 'merchant' | 'chargeId'>[],
): Promise<(string | undefined)[]> {
  const { rows } = await pool.query<{ merchant: string; id: string; behavior: string }>({
    name: 'sandbox_read_cards_of_charges',
    text: `SELECT merchant, id, behavior FROM sandbox_charge
           JOIN unnest($1::text[], $2::text[]) AS asked (merchant, id) USING (merchant, id)
           JOIN sandbox_card USING (merchant, token)`,
    values: [charges.map(({ merchant }) => merchant), charges.map(({ chargeId }) => chargeId)],
  });
  const found = new Map(rows.map(({ merchant, id, behavior }) => [`${merchant} ${id}`, behavior]));
  return charges.map(({ merchant, chargeId }) => found.get(`${merchant} ${chargeId}`));
}

type MovementRow = Movement & Keyed;

const movementOf = ({ id, kind, status, settledAt }: MovementRow): Movement => ({ id, kind, status, settledAt });

/**
 * Books movements; undefined for one that its charge does not allow.
 * @throws where the key of one was used before: those of some charges may have been booked then
 */
export async function addMovements(
  pool: Pool,
  movements: readonly NewMovement[],
  settlementMs: number,
): Promise<(Movement | undefined)[]> {
  const booked: MovementRow[] = [];
  for (const part of withEachChargeOnce(movements)) {
    const [{ kind }] = part;
    const rows = part.map(({ merchant, chargeId, amount, id, key, status, next, final }) => ({
      merchant,
      charge: chargeId,
      taken: String(amount),
      movement: id,
      movement_key: key,
      movement_status: status,
      movement_next: next?.status ?? null,
      movement_next_in_ms: next?.inMs ?? null,
      is_final: final,
    }));
    const values = [JSON.stringify(rows), settlementMs];
    booked.push(
      ...(await pool.query<MovementRow>({ name: `sandbox_add_${kind}s`, text: addMovementsOf(kind), values })).rows,
    );
  }
  return inOrderOf(movements, booked, movementOf);
}

/** In as many parts as it takes to have no charge twice in one, each of one kind: an UPDATE finds each row once. */
function withEachChargeOnce(movements: readonly NewMovement[]): [NewMovement, ...NewMovement[]][] {
  const parts: { readonly movements: [NewMovement, ...NewMovement[]]; readonly charges: Set<string> }[] = [];
  for (const movement of movements) {
    const charge = `${movement.merchant} ${movement.chargeId}`;
    const part = parts.find((each) => each.movements[0].kind === movement.kind && !each.charges.has(charge));
    part?.movements.push(movement);
    part?.charges.add(charge);
    if (part === undefined) parts.push({ movements: [movement], charges: new Set([charge]) });
  }
  return parts.map((part) => part.movements);
}

export async function readMovements(pool: Pool, movements: readonly Keyed[]): Promise<(Movement | undefined)[]> {
  const { rows } = await pool.query<MovementRow>({
    name: 'sandbox_read_movements',
    text: `SELECT merchant, key, ${MOVEMENT_COLUMNS} FROM sandbox_movement
           JOIN unnest($1::text[], $2::text[]) AS asked (merchant, key) USING (merchant, key)`,
    values: [movements.map(({ merchant }) => merchant), movements.map(({ key }) => key)],
  });
  return inOrderOf(movements, rows, movementOf);
}

function inOrderOf<R extends Keyed, T>(
  asked: readonly Keyed[],
  rows: readonly R[],
  read: (row: R) => T,
): (T | undefined)[] {
  const found = new Map(rows.map((row) => [placeOf(row), row]));
  return asked.map((each) => {
    const row = found.get(placeOf(each));
    return row && read(row);
  });
}
