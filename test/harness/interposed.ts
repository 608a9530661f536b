import type { Interposition } from '../../src/gateway.ts';
import type { Notification, Processor, StatementLine } from '../../src/processors/port.ts';

type Call = 'charge' | 'capture' | 'void' | 'refund' | 'lookUpCharge' | 'lookUpMovement';

/** One call on its way: what stands in for it may pass it on, before or after whatever it does, or not at all. */
type StandIn<C extends Call> = (
  request: Parameters<Processor[C]>[0],
  pass: () => ReturnType<Processor[C]>,
) => ReturnType<Processor[C]>;

type StandIns = { [C in Call]?: StandIn<C> };

/**
 * Stands between the gateway and the sandbox: a test says what becomes of the next calls. A call that was passed on takes
 * effect in the sandbox's books, whatever the gateway is told.
 */
export class Interposed implements Interposition {
  #standIns: StandIns = {};
  /** Every call that the gateway made, in order. */
  readonly calls: { readonly call: Call; readonly key: string }[] = [];
  /** False holds notifications back: they come again until they are let through. */
  notifies = true;
  /** False breaks every statement off after its first line. */
  tellsStatements = true;

  /** From now on, these stand in for the calls of their name; all others are passed on. */
  use(standIns: StandIns): void {
    this.#standIns = standIns;
  }

  processor(sandbox: Processor): Processor {
    const calling =
      <C extends Call>(call: C) =>
      (request: Parameters<Processor[C]>[0], signal: AbortSignal): ReturnType<Processor[C]> => {
        this.calls.push({ call, key: request.key });
        const make = sandbox[call].bind(sandbox) as (
          of: typeof request,
          until: AbortSignal,
        ) => ReturnType<Processor[C]>;
        const pass = (): ReturnType<Processor[C]> => make(request, signal);
        const standIn = this.#standIns[call];
        return standIn === undefined ? pass() : standIn(request, pass);
      };
    return {
      name: sandbox.name,
      limits: sandbox.limits,
      severalCaptures: sandbox.severalCaptures,
      refusesAmount: (amount, currency) => sandbox.refusesAmount(amount, currency),
      tokenize: (request, signal) => sandbox.tokenize(request, signal),
      charge: calling('charge'),
      capture: calling('capture'),
      void: calling('void'),
      refund: calling('refund'),
      lookUpCharge: calling('lookUpCharge'),
      lookUpMovement: calling('lookUpMovement'),
      statement: (...stretch) => this.#statement(sandbox.statement(...stretch)),
    };
  }

  async *#statement(whole: AsyncIterable<StatementLine>): AsyncIterable<StatementLine> {
    for await (const line of whole) {
      yield line;
      if (!this.tellsStatements) throw new Error('the statement is broken off');
    }
  }

  receive(receive: (notification: Notification) => Promise<void>): (notification: Notification) => Promise<void> {
    return async (notification) => {
      if (!this.notifies) throw new Error('a notification is held back');
      await receive(notification);
    };
  }
}
