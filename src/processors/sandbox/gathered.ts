import type { Pool } from 'pg';
import { chargeOf, type Charge, type ChargeRow, type NewCharge } from './records.ts';
import { ADD_CHARGES, CHARGE_COLUMNS } from './statements.ts';

/*
 * What every payment asks of the books, for many at once: a processor of many merchants is no bottleneck, and nor is this
 * one to be.
 */

/** Lets what is asked for at the same time be done by one call of `run`. */
export type Gather = <K, V>(
  atOnce: number,
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
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[])`,
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

/** Books charges; one whose key was used before is not booked. */
export async function addCharges(
  pool: Pool,
  charges: readonly NewCharge[],
  settlementMs: number,
): Promise<undefined[]> {
  const rows = charges.map(({ next, ...charge }) => ({
    ...charge,
    amount: String(charge.amount),
    nextStatus: next?.status ?? null,
    nextInMs: next?.inMs ?? null,
  }));
  await pool.query({ name: 'sandbox_add_charges', text: ADD_CHARGES, values: [JSON.stringify(rows), settlementMs] });
  return charges.map(() => undefined);
}

export async function readCharges(
  pool: Pool,
  charges: readonly Pick<NewCharge, 'merchant' | 'key'>[],
): Promise<(Charge | undefined)[]> {
  const { rows } = await pool.query<ChargeRow & { merchant: string; key: string }>({
    name: 'sandbox_read_charges',
    text: `SELECT merchant, key, ${CHARGE_COLUMNS} FROM sandbox_charge
           JOIN unnest($1::text[], $2::text[]) AS asked (merchant, key) USING (merchant, key)`,
    values: [charges.map(({ merchant }) => merchant), charges.map(({ key }) => key)],
  });
  const found = new Map(rows.map((row) => [`${row.merchant} ${row.key}`, chargeOf(row)]));
  return charges.map(({ merchant, key }) => found.get(`${merchant} ${key}`));
}
