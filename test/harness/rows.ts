import type { TestGateway } from './gateway.ts';

/** Every row of every table, as text. */
export async function dumpRows({ app }: TestGateway): Promise<string> {
  const { pool } = app.gateway.database;
  const { rows: tables } = await pool.query<{ table: string }>(
    `SELECT tablename AS table FROM pg_tables WHERE schemaname = 'public'`,
  );
  const dumps = tables.map(async ({ table }) => {
    // Bytes as the letters that they may be: credentials are kept as bytes.
    const { rows } = await pool.query<Record<string, unknown>>(`SELECT * FROM "${table}"`);
    return rows
      .flatMap((row) => Object.values(row))
      .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value)));
  });
  return (await Promise.all(dumps)).flat().join('\n');
}

/**
 * How many rows each table holds. Left out is what the sandbox keeps of cards: it is another party's, and a card
 * is exchanged for a token before anything is decided.
 */
export async function countRows({ app }: TestGateway): Promise<Readonly<Record<string, number>>> {
  const { pool } = app.gateway.database;
  const { rows } = await pool.query<{ table: string }>(
    `SELECT tablename AS table FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'sandbox_card' ORDER BY 1`,
  );
  const counts = rows.map(({ table }) => `(SELECT count(*)::int FROM "${table}") AS "${table}"`);
  const counted = await pool.query<Record<string, number>>(`SELECT ${counts.join(', ')}`);
  const [row] = counted.rows;
  if (row === undefined) throw new Error('a database without tables');
  return row;
}
