import { inspect } from 'node:util';
import type fc from 'fast-check';
import { eventually, explain, type Observation } from './explain.ts';
import { NONE, view, type Request, type State } from './model.ts';
import { viewOf, type Shop } from './shop.ts';
import { inWords, requestsOf, type Beginning, type Rush } from './wishes.ts';

/** What the clients know of one payment: what they asked for, and in which states it may be. */
interface Known {
  readonly id: string;
  readonly amount: number;
  readonly sent: Request[];
  states: readonly State[];
}

export interface Model {
  readonly payments: Known[];
}

/** A payment is created, by one client or by several that send the same request. */
export async function create(model: Model, shop: Shop, { copies, ...beginning }: Beginning): Promise<void> {
  const request: Request = { type: 'create', ...beginning, key: `${beginning.amount}-0` };
  const observed = await Promise.all(Array.from({ length: copies }, () => shop.send(request, undefined)));
  const states = explained([NONE], observed);
  const made = observed.find(({ paymentId }) => paymentId !== '');
  if (made === undefined) throw new Error('nobody was told of the payment');
  model.payments.push({ id: made.paymentId, amount: beginning.amount, sent: [request], states });
}

/** Several clients ask for something about one payment at once, while the gateway's own rounds run. */
export class RushCommand implements fc.AsyncCommand<Model, Shop> {
  readonly #rush: Rush;
  #sent: readonly Request[] = [];

  constructor(rush: Rush) {
    this.#rush = rush;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, shop: Shop): Promise<void> {
    const known = model.payments[this.#rush.payment % model.payments.length];
    if (known === undefined) throw new Error('a run without payments');
    this.#sent = requestsOf(this.#rush.intents, known.sent, known.amount);
    const [observed] = await Promise.all([
      Promise.all(this.#sent.map((request) => shop.send(request, known.id))),
      Promise.all(this.#rush.rounds.map((round) => shop.run(round))),
    ]);
    known.states = explained(known.states, observed);
    known.sent.push(...this.#sent);
  }

  toString(): string {
    const { payment, intents, rounds } = this.#rush;
    const asked = this.#sent.length > 0 ? this.#sent.map(inWords) : intents.map((each) => JSON.stringify(each));
    return `\n  payment ${payment}: ${[...asked, ...rounds].join(' | ')}`;
  }
}

/** Everything comes to its end. Then the model, the gateway and the sandbox's books must agree to the minor unit. */
export class SettleCommand implements fc.AsyncCommand<Model, Shop> {
  check(): boolean {
    return true;
  }

  async run(model: Model, shop: Shop): Promise<void> {
    await shop.settle();
    await shop.expectAgreement();
    for (const known of model.payments) {
      const payment = await shop.read(known.id);
      const { attempts, captures, refunds } = payment;
      const seen = {
        ...viewOf(payment),
        attempts: attempts.length,
        captures: captures.length,
        refunds: refunds.length,
      };
      const settled = eventually(known.states).filter(({ open }) => open.length === 0);
      known.states = settled.filter((state) => sameAs(seen, ended(state)));
      if (known.states.length === 0) {
        throw new Error(`no course of events ends here: ${show(seen)}\nbut at one of ${show(settled.map(ended))}`);
      }
    }
  }

  toString(): string {
    return '\n  settle';
  }
}

function ended(state: State) {
  const { attempts, captures, refunds } = state;
  return { ...view(state), attempts, captures, refunds };
}

function explained(before: readonly State[], observed: readonly Observation[]): readonly State[] {
  const states = explain(before, observed);
  if (states.length > 0) return states;
  const told = observed.map(
    ({ request, verdict, payment }) => `${inWords(request)} -> ${show({ ...verdict, ...payment })}`,
  );
  throw new Error(`no order of these requests explains their answers:\n${told.join('\n')}\nbefore: ${show(before)}`);
}

function sameAs(a: object, b: object): boolean {
  return show(a) === show(b);
}

function show(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: 200, sorted: true });
}
