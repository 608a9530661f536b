import type { Client } from 'pg';
import type { Person, Template } from './templates.ts';

/**
 * Copies templates by the thousand, set by set, with all constraints in force. Every id of a copy is a UUIDv7 that is made
 * of the copy's time and number and of the end of the template's id, so that references lead to copies, too.
 */

/** The tables of one payment, in the order in which they refer to one another, and which of their rows are whose. */
const OF_PAYMENT: Tables = {
  payment_method: 'id IN (SELECT payment_method_id FROM attempt WHERE attempt.payment_id = $payment) AND id <> $method',
  payment: 'id = $payment',
  payment_destination: 'payment_id = $payment',
  attempt: 'payment_id = $payment',
  capture: 'payment_id = $payment',
  refund: 'payment_id = $payment',
  refund_allocation: 'refund_id IN (SELECT id FROM refund WHERE payment_id = $payment)',
  operation: 'payment_id = $payment',
  payment_event: 'payment_id = $payment',
  idempotency_key: 'payment_id = $payment',
  sandbox_card: `token IN (SELECT processor_token FROM payment_method JOIN attempt ON attempt.payment_method_id = payment_method.id
    WHERE attempt.payment_id = $payment AND payment_method.id <> $method)`,
  sandbox_charge: 'id IN (SELECT processor_transaction_id FROM attempt WHERE payment_id = $payment)',
  sandbox_movement: 'charge_id IN (SELECT processor_transaction_id FROM attempt WHERE payment_id = $payment)',
};

const OF_PERSON: Tables = {
  customer: 'id = $customer',
  payment_method: 'id = $method',
  sandbox_card: 'token = (SELECT processor_token FROM payment_method WHERE id = $method)',
};

/** Texts that are unique, or that name what is unique. */
const NAMES = new Set([
  'idempotency_key.key',
  'operation.processor_key',
  'operation.processor_reference',
  'capture.processor_reference',
  'refund.processor_reference',
  'attempt.processor_transaction_id',
  'attempt.network_transaction_id',
  'payment.idempotency_key',
  'payment_destination.destination_id',
  'payment_destination.number',
  'payment_method.fingerprint',
  'customer.email',
  'customer.first_name',
  'sandbox_charge.id',
  'sandbox_charge.key',
  'sandbox_charge.network_transaction_id',
  'sandbox_movement.id',
  'sandbox_movement.key',
  'sandbox_movement.charge_id',
]);

/** What a trigger adds up from other rows that are copied. */
const KEPT_BY_TRIGGERS = new Set(['capture.amount_refund_held']);

/** What has the stored card of a person in it. */
const TOKENS = new Set(['payment_method.processor_token', 'sandbox_card.token', 'sandbox_charge.token']);

const PEOPLE = 10_000;
const PEOPLE_AT = '2025-01-01T00:00:00Z';
/** Copies are spread evenly over so many days before now. */
const DAYS = 180;
/** Digits of a human id; a copy's begin with a 2 as long as there are fewer than 24 million. */
const HUMAN_DIGITS = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const BATCH = 5_000;

type Tables = Readonly<Record<string, string>>;
type Kind = 'person' | 'payment';

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

export interface SeedOptions {
  readonly person: Person;
  readonly templates: readonly Template[];
  readonly payments: number;
  readonly progress: (done: number) => void;
}

/** Fills a database that holds the templates and nothing else. */
export async function copyTemplates(
  client: Client,
  { person, templates, payments, progress }: SeedOptions,
): Promise<void> {
  const columns = await readColumns(client);
  const copies = new Copies(columns, person);
  // What a crash would lose is made anew.
  await client.query('SET synchronous_commit = off; SET transaction_timeout = 0; SET jit = off');
  await client.query(seedTable());
  await client.query(copies.setAside(OF_PERSON, 'person', person.customerId));
  for (const { paymentId } of templates) await client.query(copies.setAside(OF_PAYMENT, 'payment', paymentId));
  await client.query(seedPeople());
  await client.query(copies.statement(OF_PERSON, 'person', person.customerId));
  const foreignKeys = await putOffForeignKeys(client);
  const kinds = templates.flatMap(({ paymentId, share }) => Array<string>(share).fill(paymentId));
  for (let from = 0; from < payments; from += BATCH) {
    const to = Math.min(from + BATCH, payments);
    // The plans of the triggers are of tables that were small.
    if (from === BATCH || from === BATCH * 10) await client.query('ANALYZE');
    await client.query('BEGIN');
    await client.query('TRUNCATE seed');
    await client.query(seedRows(from, to, payments, kinds));
    await client.query('ANALYZE seed');
    for (const { paymentId } of templates) await client.query(copies.statement(OF_PAYMENT, 'payment', paymentId));
    await client.query('COMMIT');
    progress(to);
  }
  await client.query('DROP TABLE seed');
  await client.query("SET maintenance_work_mem = '512MB'");
  await client.query('ANALYZE');
  for (const statement of foreignKeys) await client.query(statement);
}

/**
 * Takes the foreign keys away. Checked row by row they would take long; checked set by set in the end they hold for the
 * same rows.
 * @returns the statements that put them back, and fail for a row that refers to nothing
 */
async function putOffForeignKeys(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ table: string; name: string; definition: string }>(
    `SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
     FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY conrelid, conname`,
  );
  for (const { table, name } of rows) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  return rows.map(({ table, name, definition }) => `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
}

function seedPeople(): string {
  const at = `timestamptz '${PEOPLE_AT}'`;
  return `INSERT INTO seed (number, person, prefix, at)
    SELECT number, ${prefixOf('number', at)}, ${prefixOf('number', at)}, ${at} FROM generate_series(1, ${PEOPLE}) AS number`;
}

function seedTable(): string {
  return `CREATE TEMPORARY TABLE seed (number bigint, template uuid, at timestamptz, prefix text, person text, factor bigint, human_id text)`;
}

/** One row for each copy: when it was made, whose it is and how much. */
function seedRows(from: number, to: number, all: number, kinds: readonly string[]): string {
  const at = `now() - interval '1 hour' - interval '${DAYS} days' * (1 - number / ${all}.0)`;
  const person = prefixOf(`(1 + (hashint8(number) & 2147483647) % ${PEOPLE})`, `timestamptz '${PEOPLE_AT}'`);
  const human = [5, 4, 3, 2, 1, 0]
    .map((place) => `substr('${HUMAN_DIGITS}', 1 + (number / ${30 ** place} % 30)::int, 1)`)
    .join(' || ');
  return `INSERT INTO seed
    SELECT number, (ARRAY[${kinds.map((id) => `'${id}'`).join(',')}]::uuid[])[1 + (number * 7) % ${kinds.length}],
      at, ${prefixOf('number', 'at')}, ${person}, 100 + (hashint8(number + 1) & 2147483647) % 12000, ${human}
    FROM (SELECT number, date_trunc('milliseconds', ${at}) AS at FROM generate_series(${from}, ${to - 1}) AS number) AS each`;
}

/** The first 24 digits of the UUIDv7 of a copy: its time, then random digits that its number decides. */
function prefixOf(number: string, at: string): string {
  return `lpad(to_hex((extract(epoch FROM ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5((${number})::text), 1, 3)
    || '8' || substr(md5((${number})::text), 4, 7)`;
}

/** The statements that copy the rows of one template. */
class Copies {
  readonly #columns: readonly Column[];
  readonly #person: Person;
  readonly #stored: string;

  constructor(columns: readonly Column[], person: Person) {
    this.#columns = columns;
    this.#person = person;
    this.#stored = `(SELECT processor_token FROM template_person_payment_method)`;
  }

  /** Keeps the rows of a template where they are found without a search. */
  setAside(tables: Tables, kind: Kind, id: string): string {
    const given: Readonly<Record<string, string>> = {
      $payment: `'${id}'`,
      $method: `'${this.#person.paymentMethodId}'`,
      $customer: `'${this.#person.customerId}'`,
    };
    return Object.entries(tables)
      .map(([table, condition]) => {
        const where = condition.replaceAll(/\$\w+/g, (name) => given[name] ?? name);
        const name = `template_${kind}_${table}`;
        const rows = `SELECT '${id}'::uuid AS template, (SELECT created_at FROM ${kind === 'person' ? 'customer' : 'payment'} WHERE id = '${id}') AS origin, * FROM ${table} WHERE ${where}`;
        return `CREATE TEMPORARY TABLE IF NOT EXISTS ${name} AS ${rows} LIMIT 0; INSERT INTO ${name} ${rows}`;
      })
      .join(';\n');
  }

  /** Writes all rows of all copies of a template at once: foreign keys in a circle are checked at its end. */
  statement(tables: Tables, kind: Kind, id: string): string {
    const parts = Object.keys(tables).map((table) => {
      const own = this.#columns.filter((column) => column.table === table);
      const names = own.map(({ name }) => name).join(', ');
      const values = own.map((column) => this.#valueOf(column)).join(', ');
      const ofKind = kind === 'person' ? '' : ' AND seed.template = row.template';
      const kept = table === 'idempotency_key' ? ` AND ${shifted('row.expires_at')} > now() + interval '1 day'` : '';
      return `${table}_copies AS (INSERT INTO ${table} (${names}) SELECT ${values}
        FROM template_${kind}_${table} AS row, seed WHERE row.template = '${id}'${ofKind}${kept})`;
    });
    return `WITH ${parts.join(',\n')} SELECT`;
  }

  #valueOf({ table, name, type }: Column): string {
    const own = `row.${name}`;
    const column = `${table}.${name}`;
    if (name === 'environment_id' || name === 'merchant') return own;
    if (KEPT_BY_TRIGGERS.has(column)) return '0';
    if (name === 'human_id') return 'seed.human_id';
    if (type === 'uuid') {
      const isPersons = `${own} IN ('${this.#person.customerId}', '${this.#person.paymentMethodId}')`;
      return `(CASE WHEN ${isPersons} THEN seed.person ELSE seed.prefix END || right(${own}::text, 8))::uuid`;
    }
    if (type === 'timestamptz') return shifted(own);
    if (type === 'int8' && name.includes('amount')) return `${own} * seed.factor`;
    if (TOKENS.has(column)) {
      return `${own} || '_' || CASE WHEN ${own} = ${this.#stored} THEN seed.person ELSE seed.prefix END`;
    }
    return NAMES.has(column) ? `seed.prefix || '_' || ${own}` : own;
  }
}

function shifted(column: string): string {
  return `${column} + (seed.at - row.origin)`;
}

async function readColumns(client: Client): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT table_name AS table, column_name AS name, udt_name AS type FROM information_schema.columns
     WHERE table_schema = 'public' AND is_generated = 'NEVER' AND column_name <> 'position' OR table_name = 'payment_destination' AND column_name = 'position'
     ORDER BY ordinal_position`,
  );
  return rows;
}
