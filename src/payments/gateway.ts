import type { Facts } from '../facts.ts';
import type { Database } from '../store/database.ts';
import type { KeyUses } from '../store/key-uses.ts';
import type { Telemetry } from '../telemetry.ts';
import type { Circuits } from './circuits.ts';
import type { Connections } from './connections.ts';
import type { Keyring } from './keyring.ts';
import type { Observer } from './observer.ts';
import type { Settings } from './settings.ts';

/** What every command works with. Time and randomness come from here, so that tests can hold them still. */
export interface Gateway {
  readonly database: Database;
  readonly processors: Connections;
  /** Which processor accounts do not answer. */
  readonly circuits: Circuits;
  readonly keyring: Keyring;
  /** When secret keys were used last. */
  readonly keyUses: KeyUses;
  /** The epoch in which this process's transaction ids hold (see PaymentEvent in schema.prisma). */
  readonly epoch: number;
  readonly settings: Settings;
  /** Where payers reach this gateway: "https://pay.example.com". Known once the server listens. */
  readonly publicUrl: () => string;
  readonly now: () => Date;
  readonly newId: () => string;
  /** An id for people, at random. */
  readonly newHumanId: () => string;
  /** Which build of the gateway this is: its commit, or "unknown". */
  readonly commit: string;
  /** Called after a commit that appended events, to wake those who read them. */
  readonly eventsAppended: () => void;
  /** For whom something is done, in the log and in traces. */
  readonly telemetry: Telemetry;
  readonly observer: Observer;
  /** Called with what an operator should know. It is given no card data and no secret. */
  readonly report: (message: string, details: Facts) => void;
  /** Called with what nobody has to do anything about: a decline, for instance. The same holds for it. */
  readonly note: (message: string, details: Facts) => void;
}

/** No idempotency key is given up sooner: a day, as clients may count on everywhere. */
export const KEY_RETENTION_MIN_MS = 24 * 3_600_000;

/** Who calls, and for which environment. Every read and write of a command is scoped by it. */
export interface Caller {
  readonly environmentId: string;
  readonly mode: 'TEST' | 'LIVE';
  /**
   * Whose idempotency keys these are. All secret keys of an environment share one principal: a request that is
   * sent again after its API key was rolled is still the same request.
   */
  readonly principal: string;
  /** Who is written down as having done it: the global id of an API key or client token, or "hosted_page". */
  readonly actor: string;
  /** What the client calls the request, if it says so: it is written down with administrative acts. */
  readonly requestId?: string | undefined;
  /** Whom the caller pays for, if it is a payer and not the merchant: their reach is theirs alone. */
  readonly payer: Payer | null;
  /** Whether they decide when payments are charged by themselves: the merchant does, and payers whom it lets. */
  readonly schedules: boolean;
}

/** A payer, known by a client token or by the address of a hosted page: of one customer, or of one payment. */
export type Payer =
  | { readonly customerId: string; readonly paymentId: null }
  | { readonly customerId: null; readonly paymentId: string };
