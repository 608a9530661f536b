import type { Stripe } from 'stripe';
import type { Books } from './books.ts';
import type { RouteName } from './faults.ts';
import { exampleBalance } from './objects.ts';
import type { Params } from './validation.ts';

export interface Route {
  readonly name: RouteName;
  /** As Stripe's description has it: method and path. */
  readonly operation: string;
  readonly pattern: RegExp;
  readonly answer: (books: Books, params: Params, id: string) => unknown;
}

/** All that the stand-in can be asked for. */
export const ROUTES: readonly Route[] = [
  route('create_method', 'post /v1/payment_methods', (books, params) => books.wallet.create(params)),
  route('read_method', 'get /v1/payment_methods/{payment_method}', (books, _, id) => books.wallet.read(id).method),
  route('create_intent', 'post /v1/payment_intents', (books, params) => books.createIntent(params)),
  route('read_intent', 'get /v1/payment_intents/{intent}', (books, params, id) =>
    expanded(books, books.readIntent(id), params),
  ),
  route('update_intent', 'post /v1/payment_intents/{intent}', (books, params, id) => books.update(id, params)),
  route('list_intents', 'get /v1/payment_intents', (books, params) => listed([...books.intents.values()], params)),
  route('confirm', 'post /v1/payment_intents/{intent}/confirm', (books, params, id) =>
    expanded(books, books.confirm(id, params), params),
  ),
  route('capture', 'post /v1/payment_intents/{intent}/capture', (books, params, id) =>
    expanded(books, books.capture(id, params), params),
  ),
  route('cancel', 'post /v1/payment_intents/{intent}/cancel', (books, params, id) =>
    expanded(books, books.cancel(id, (params['cancellation_reason'] as string | undefined) ?? null), params),
  ),
  route('create_refund', 'post /v1/refunds', (books, params) => books.refund(params)),
  route('read_refund', 'get /v1/refunds/{refund}', (books, _, id) => books.readRefund(id)),
  route('list_refunds', 'get /v1/refunds', (books, params) => {
    // Refunds are listed of an intent that is there.
    if (params['payment_intent'] !== undefined) books.readIntent(params['payment_intent'] as string);
    return listed(filtered([...books.refunds.values()], 'payment_intent', params), params);
  }),
  route('list_disputes', 'get /v1/disputes', (books, params) =>
    listed(filtered([...books.disputes.values()], 'charge', params), params),
  ),
  route('balance', 'get /v1/balance', () => exampleBalance()),
];

function route(name: RouteName, operation: string, answer: Route['answer']): Route {
  const [method = '', path = ''] = operation.split(' ');
  const pattern = new RegExp(`^${method.toUpperCase()} ${path.replace(/\{\w+\}/, '([^/]+)')}$`);
  return { name, operation, pattern, answer };
}

/** An intent with the objects that were asked for in the place of their ids. */
function expanded(books: Books, intent: Stripe.PaymentIntent, { expand }: Params): Stripe.PaymentIntent {
  const [wanted] = Array.isArray(expand) ? (expand as string[]) : [];
  const charge = wanted === undefined ? undefined : books.charges.get(intent.latest_charge as string);
  if (charge === undefined) return intent;
  if (wanted === 'latest_charge') return { ...intent, latest_charge: charge };
  const transaction = books.transactions.get(charge.balance_transaction as string) ?? null;
  return { ...intent, latest_charge: { ...charge, balance_transaction: transaction } };
}

function filtered<T>(all: readonly T[], field: keyof T & string, params: Params): T[] {
  return all.filter((each) => params[field] === undefined || each[field] === params[field]);
}

/** A page of a list, the newest first. */
function listed(all: readonly { id: string; created: number }[], params: Params): unknown {
  const { gte = 0, lt = Infinity } = (params['created'] as { gte?: number; lt?: number } | undefined) ?? {};
  const found = all.filter(({ created }) => created >= gte && created < lt).toReversed();
  const after = params['starting_after'];
  const from = after === undefined ? 0 : found.findIndex(({ id }) => id === after) + 1;
  const limit = (params['limit'] as number | undefined) ?? 10;
  const data = found.slice(from, from + limit);
  return { object: 'list', data, has_more: from + data.length < found.length, url: '/v1' };
}
