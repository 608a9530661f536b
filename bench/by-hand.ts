import { createServer, type ServerResponse } from 'node:http';
import pg from 'pg';

/**
 * The limit: one statement and JSON by hand on bare node:http, for whoever asks. It answers what is asked of the gateway,
 * a page of payments or one, and nothing else.
 */
const [environmentId] = process.argv.slice(2);

/** Rows in rows as the text of an array, which costs both sides less than JSON. Nothing in it needs quotes. */
const partsOf = (table: string): string => `array(
  SELECT array[id::text, status::text, (extract(epoch FROM created_at) * 1000)::int8::text, amount::text] FROM ${table}
  WHERE environment_id = p.environment_id AND payment_id = p.id ORDER BY created_at, id)::text`;

const PAYMENTS = `SELECT p.id::text, p.status::text, (extract(epoch FROM p.created_at) * 1000)::int8::text, p.amount::text,
    p.currency::text, c.id::text, c.email, c.first_name, ${partsOf('attempt')}, ${partsOf('refund')}
  FROM payment AS p LEFT JOIN customer AS c ON c.environment_id = p.environment_id AND c.id = p.customer_id
  WHERE p.environment_id = $1`;
const ONE = `${PAYMENTS} AND p.id = $2`;
/** A limit that is a parameter costs twice the time: the plan is made for any. */
const page = (first: number): string => `${PAYMENTS} ORDER BY p.created_at DESC, p.id DESC LIMIT ${first}`;

type Row = readonly [
  string,
  string,
  string,
  string,
  string,
  string | null,
  string | null,
  string | null,
  string,
  string,
];

const pool = new pg.Pool({
  connectionString: process.env['BENCH_DATABASE_URL'],
  max: Number(process.env['BENCH_POOL_SIZE']),
});

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (part: string) => (body += part));
  request.on('end', () => void answer(JSON.parse(body) as Asked, response));
});

interface Asked {
  readonly variables: { readonly first?: number; readonly id?: string };
}

async function answer({ variables: { first = 0, id } }: Asked, response: ServerResponse): Promise<void> {
  const { rows } = await pool.query<Row & unknown[]>({
    name: id === undefined ? `page ${first}` : 'one',
    text: id === undefined ? page(Math.min(Math.trunc(first), 100)) : ONE,
    values: [environmentId, ...(id === undefined ? [] : [id.slice('pay_'.length)])],
    rowMode: 'array',
  });
  const payments = rows.map(paymentOf);
  const data =
    id === undefined
      ? `{"payments":{"edges":[${payments.map((payment) => `{"node":${payment}}`).join(',')}]}}`
      : `{"payment":${payments[0] ?? 'null'}}`;
  const text = `{"data":${data}}`;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

function paymentOf([id, status, ms, amount, currency, customer, email, firstName, attempts, refunds]: Row): string {
  const payer =
    customer === null
      ? 'null'
      : `{"id":"cus_${customer}","email":${JSON.stringify(email)},"firstName":${JSON.stringify(firstName)}}`;
  return `{"id":"pay_${id}","status":"${status}","createdAt":"${timeOf(ms)}","amount":{"amount":${amount},"currency":"${currency}"},"customer":${payer},"attempts":${partsText('att', attempts)},"refunds":${partsText('re', refunds)}}`;
}

function partsText(prefix: string, text: string): string {
  if (text === '{}') return '[]';
  const parts = text.slice(2, -2).split('},{');
  return `[${parts
    .map((part) => {
      const [id = '', status = '', ms = '', amount = ''] = part.split(',');
      return `{"id":"${prefix}_${id}","status":"${status}","createdAt":"${timeOf(ms)}","amount":{"amount":${amount}}}`;
    })
    .join(',')}]`;
}

function timeOf(ms: string): string {
  return new Date(Number(ms)).toISOString();
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server without a port');
  process.send?.({ url: `http://127.0.0.1:${address.port}/graphql` });
});
process.once('disconnect', () => process.exit());
