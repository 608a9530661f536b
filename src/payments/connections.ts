import type { ProcessorAccount } from '../../generated/prisma/client.ts';
import type { AccountProcessor, Connector, Credentials } from '../processors/account-port.ts';
import type { Processor, ProcessorTraits } from '../processors/port.ts';
import type { Database } from '../store/database.ts';
import type { Place } from '../store/operations.ts';
import { findProcessorAccount } from '../store/processor-accounts.ts';
import { openCredentials, sealCredentials } from './credentials.ts';
import type { Keyring } from './keyring.ts';

/** Connections that are kept: far more than an installation has accounts. */
const CONNECTIONS_MAX = 1_000;

/** The processors of a gateway: the sandbox that is built in, and the accounts that merchants have with others. */
export class Connections {
  readonly #sandbox: Processor;
  readonly #connectors: ReadonlyMap<string, Connector>;
  readonly #database: Database;
  readonly #keyring: Keyring;
  /** By account, and by how it was sealed: an account whose row has changed is connected to anew. */
  readonly #open = new Map<string, { readonly as: string; readonly connection: AccountProcessor }>();

  constructor(of: {
    readonly sandbox: Processor;
    readonly connectors: readonly Connector[];
    readonly database: Database;
    readonly keyring: Keyring;
  }) {
    this.#sandbox = of.sandbox;
    this.#connectors = new Map(of.connectors.map((connector) => [connector.name, connector]));
    this.#database = of.database;
    this.#keyring = of.keyring;
  }

  /** The sandbox moves no money, so it takes no live payment. */
  get sandbox(): Processor {
    return this.#sandbox;
  }

  /** @throws for a name that no row can hold */
  traits(processor: string): ProcessorTraits {
    return processor === this.#sandbox.name ? this.#sandbox : this.connector(processor);
  }

  /** @throws for a name that no row can hold */
  connector(name: string): Connector {
    const connector = this.#connectors.get(name);
    if (connector === undefined) throw new Error(`no connector for the processor ${name}`);
    return connector;
  }

  /**
   * The processor with which something is done, or was begun: a disabled account's, too. Undefined where its credentials
   * cannot be opened.
   */
  async at({ environmentId, processor, processorAccountId }: Place): Promise<Processor | undefined> {
    if (processorAccountId === null) {
      if (processor !== this.#sandbox.name) throw new Error(`${processor} without an account`);
      return this.#sandbox;
    }
    const account = await findProcessorAccount(this.#database, environmentId, processorAccountId);
    if (account === undefined) throw new Error('a processor account is lost');
    return this.to(account);
  }

  /** The connection to an account; undefined where its credentials cannot be opened. */
  async to(account: ProcessorAccount): Promise<AccountProcessor | undefined> {
    const { id, processor, rawCards } = account;
    const as = `${rawCards} ${Buffer.from(account.credentials).toString('base64')}`;
    const kept = this.#open.get(id);
    if (kept?.as === as) return kept.connection;
    const credentials = this.credentialsOf(account);
    if (credentials === undefined) return undefined;
    const connection = await this.connector(processor).connect(credentials, { rawCards });
    if (this.#open.size >= CONNECTIONS_MAX) this.#open.clear();
    this.#open.set(id, { as, connection });
    return connection;
  }

  /** The columns that keep an account's credentials. */
  sealed(
    of: Pick<ProcessorAccount, 'environmentId' | 'id'>,
    credentials: Credentials,
  ): Pick<ProcessorAccount, 'credentials' | 'credentialsKeyId' | 'hint'> {
    return sealCredentials(this.#keyring, of, credentials);
  }

  /** An account's credentials; undefined where they cannot be opened: the secret was changed, or the row was. */
  credentialsOf(account: ProcessorAccount): Credentials | undefined {
    return openCredentials(this.#keyring, account);
  }
}
