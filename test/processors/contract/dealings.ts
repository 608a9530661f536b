import { randomUUID } from 'node:crypto';
import type {
  ChargeOutcome,
  ChargeRequest,
  LookUpRequest,
  MovementOutcome,
  MovementRequest,
  NotFound,
} from '../../../src/processors/port.ts';
import { AMOUNT, CURRENCY, MERCHANT, type CardKind, type ContractBench, type Money } from './bench.ts';

/** A charge as it was asked for. */
export interface Charged {
  readonly request: ChargeRequest;
  readonly outcome: ChargeOutcome;
  /** What the gateway knows of it: the answer's reference, or the one that was kept before it. */
  readonly reference: string | null;
}

export type MovementName = 'capture' | 'void' | 'refund';

/** A capture, void or refund as it was asked for. */
export interface Moved {
  readonly name: MovementName;
  readonly request: MovementRequest;
  readonly outcome: MovementOutcome;
}

const KINDS = { capture: 'CAPTURE', void: 'VOID', refund: 'REFUND' } as const;

/** How the gateway deals with a processor: it keeps references, and asks again with what it knows. */
export class Dealings {
  readonly bench: ContractBench;

  constructor(bench: ContractBench) {
    this.bench = bench;
  }

  async request(card: CardKind, rest: Partial<ChargeRequest> = {}): Promise<ChargeRequest> {
    return {
      merchant: MERCHANT,
      key: randomUUID(),
      paymentId: `pay_${randomUUID()}`,
      token: await this.bench.tokenOf(card),
      amount: AMOUNT,
      currency: CURRENCY,
      captureNow: true,
      offSession: false,
      initiator: 'CUSTOMER',
      statementDescriptor: 'TENDER TEST',
      returnUrl: 'https://shop.example/back',
      keepReference: () => Promise.resolve(true),
      ...rest,
    };
  }

  async charge(card: CardKind, rest: Partial<ChargeRequest> = {}): Promise<Charged> {
    return this.ask(await this.request(card, rest));
  }

  authorize(card: CardKind): Promise<Charged> {
    return this.charge(card, { captureNow: false });
  }

  async ask(request: ChargeRequest, signal = soon()): Promise<Charged> {
    let kept: string | null = null;
    const keepReference = (reference: string): Promise<boolean> => {
      kept = reference;
      return request.keepReference(reference);
    };
    const outcome = await this.bench.processor.charge({ ...request, keepReference }, signal).catch(notKnown);
    return { request, outcome, reference: ('reference' in outcome ? outcome.reference : null) ?? kept };
  }

  lookUp({ request, reference }: Charged, rest: Partial<LookUpRequest> = {}): Promise<ChargeOutcome | NotFound> {
    const { merchant, key } = request;
    return this.bench.processor.lookUpCharge({ merchant, key, reference, isLanded: true, ...rest }, soon());
  }

  move(name: MovementName, charged: Charged, amount = AMOUNT, signal = soon()): Promise<Moved> {
    const { merchant, currency } = charged.request;
    const chargeReference = charged.reference ?? 'none';
    return this.send(name, { merchant, key: randomUUID(), chargeReference, amount, currency }, signal);
  }

  async send(name: MovementName, request: MovementRequest, signal = soon()): Promise<Moved> {
    const { processor } = this.bench;
    const answer = async (): Promise<MovementOutcome> => {
      if (name === 'capture') return processor.capture({ ...request, final: true }, signal);
      return name === 'void' ? processor.void(request, signal) : processor.refund(request, signal);
    };
    return { name, request, outcome: await answer().catch(notKnown) };
  }

  lookUpMovement({ name, request, outcome }: Moved): Promise<MovementOutcome | NotFound> {
    const reference = 'reference' in outcome ? outcome.reference : null;
    const asked = { ...request, kind: KINDS[name], reference, isLanded: true };
    return this.bench.processor.lookUpMovement(asked, soon());
  }

  money(...all: readonly Charged[]): Promise<Money> {
    return this.bench.money(all.map(({ request }) => request.key));
  }
}

/** The gateway's own deadline, which no test waits for. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

/** A connector may throw when a connection breaks. */
function notKnown(): { readonly kind: 'unknown' } {
  return { kind: 'unknown' };
}
