import { hash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Rate, Taken } from '../domain/rate.ts';
import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Gateway } from '../payments/gateway.ts';
import type { Credential } from '../schema/context.ts';
import { authenticate } from './authentication.ts';
import { RateLimit } from './rate-limit.ts';
import { refusal } from './refusal.ts';

/** Of more credentials or networks than this, those seen longest ago are forgotten: some 100 bytes each. */
const KEYS_MAX = 100_000;

/** Who asks, and what the answer says of how often they may. */
export interface Admitted {
  readonly credential: Credential;
  readonly headers: Readonly<Record<string, string>>;
}

type Scope = keyof TransportSettings['rates'];

/** A credential that was good when it was last looked at. */
interface Known {
  readonly scope: 'key' | 'token';
  readonly id: string;
}

/**
 * Lets operations in: each takes one of its credential's rate, before anything is read or asked. A credential that this
 * process has not seen yet takes one of its network's in its place, and gives it back once it turned out to be good: so who
 * guesses is slowed down, and who has a key that was seen is not slowed down with them.
 */
export class Admission {
  readonly #gateway: Gateway;
  readonly #limits: Readonly<Record<Scope, RateLimit>>;
  readonly #nowMs: () => number;
  /** By the hash of the credential's text. */
  readonly #known = new Map<string, Known>();
  /** Credentials that are being looked at for the first time. Thousands come with the same one after a restart. */
  readonly #introducing = new Map<string, Promise<Credential>>();

  /** @param nowMs a clock that never goes back */
  constructor(gateway: Gateway, rates: TransportSettings['rates'], nowMs: () => number) {
    this.#gateway = gateway;
    this.#nowMs = nowMs;
    this.#limits = {
      key: new RateLimit(rates.key, KEYS_MAX),
      token: new RateLimit(rates.token, KEYS_MAX),
      address: new RateLimit(rates.address, KEYS_MAX),
    };
  }

  /**
   * One operation.
   * @throws a GraphQL error that HTTP answers with 429, or with 401
   */
  async admit(text: string | undefined, network: string): Promise<Admitted> {
    const digest = digestOf(text);
    const known = this.#known.get(digest);
    if (known === undefined) {
      const credential = await this.#introduce(text, digest, network);
      return { credential, headers: this.#count(knownOf(credential)) };
    }
    const headers = this.#count(known);
    return { credential: await this.#lookAgain(text, digest), headers };
  }

  /**
   * A connection, which takes nothing of its credential's rate.
   * @throws the same
   */
  greet(text: string | undefined, network: string): Promise<Credential> {
    const digest = digestOf(text);
    return this.#known.has(digest) ? this.#lookAgain(text, digest) : this.#introduce(text, digest, network);
  }

  #count({ scope, id }: Known): Readonly<Record<string, string>> {
    const { rate } = this.#limits[scope];
    const taken = this.#limits[scope].take(id, this.#nowMs());
    if (taken.waitMs > 0) throw rateLimited(scope, rate, taken);
    return headersOf(scope, rate, taken);
  }

  async #lookAgain(text: string | undefined, digest: string): Promise<Credential> {
    try {
      return await authenticate(this.#gateway, text);
    } catch (error) {
      if (error instanceof GraphQLError) this.#known.delete(digest);
      throw error;
    }
  }

  async #introduce(text: string | undefined, digest: string, network: string): Promise<Credential> {
    const { address } = this.#limits;
    const under = text === undefined ? undefined : this.#introducing.get(digest);
    const nowMs = this.#nowMs();
    const taken = under === undefined ? address.take(network, nowMs) : address.look(network, nowMs);
    if (taken.waitMs > 0) throw rateLimited('address', address.rate, taken);
    if (under !== undefined) {
      return under.catch((error: unknown) => {
        if (error instanceof GraphQLError) address.take(network, this.#nowMs());
        throw error;
      });
    }
    const asking = authenticate(this.#gateway, text);
    this.#introducing.set(digest, asking);
    try {
      const credential = await asking;
      address.giveBack(network);
      this.#remember(digest, knownOf(credential));
      return credential;
    } catch (error) {
      // The database is away: nobody knows whether it was a guess.
      if (!(error instanceof GraphQLError)) address.giveBack(network);
      throw error;
    } finally {
      this.#introducing.delete(digest);
    }
  }

  #remember(digest: string, known: Known): void {
    this.#known.set(digest, known);
    const [first] = this.#known.keys();
    if (first !== undefined && this.#known.size > KEYS_MAX) this.#known.delete(first);
  }
}

/** No secret is kept as it is. */
function digestOf(text: string | undefined): string {
  return text === undefined ? '' : hash('sha256', text, 'base64');
}

/** What a credential is counted by: a token can be written in several ways, and its id cannot. */
export function knownOf(credential: Credential): Known {
  return credential.kind === 'key'
    ? { scope: 'key', id: credential.key.id }
    : { scope: 'token', id: credential.token.id };
}

/** As the IETF's draft has them (RateLimit header fields for HTTP, draft 10). */
function headersOf(scope: Scope, rate: Rate, { remaining, fullInMs }: Taken): Readonly<Record<string, string>> {
  const windowSeconds = Math.ceil((rate.burst * rate.windowMs) / rate.count / 1_000);
  return {
    'ratelimit-policy': `"${scope}";q=${rate.burst};w=${windowSeconds}`,
    ratelimit: `"${scope}";r=${remaining};t=${Math.ceil(fullInMs / 1_000)}`,
  };
}

function rateLimited(scope: Scope, rate: Rate, taken: Taken): GraphQLError {
  const message =
    scope === 'address'
      ? 'Too many requests without a valid key from this address: wait, and send it again.'
      : `Too many operations with this ${scope}: wait, and send it again.`;
  const retryAfterSeconds = Math.ceil(taken.waitMs / 1_000);
  return refusal('RATE_LIMITED', 429, message, {
    headers: { ...headersOf(scope, rate, taken), 'retry-after': String(retryAfterSeconds) },
    extensions: { retryAfterMs: taken.waitMs },
  });
}
