/**
 * An expected failure of the embedded cluster or of the migrations. The message is one line for
 * the person who started the gateway; there is no need to show them a stack.
 */
export class DatabaseSetupError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** npm installed no PostgreSQL binaries for this platform. */
export class BinariesMissingError extends DatabaseSetupError {}

/** The data directory cannot be used as it is. Nothing in it was changed. */
export class DataDirectoryError extends DatabaseSetupError {}

/** initdb or postgres could not be run, or ended while the gateway waited for them. */
export class ServerStartError extends DatabaseSetupError {}

/** No connection to the database could be made. */
export class DatabaseUnreachableError extends DatabaseSetupError {}

/** The server is older than the oldest PostgreSQL that the schema works on. */
export class ServerTooOldError extends DatabaseSetupError {}

/** Another process holds the data directory. */
export class AlreadyRunningError extends DatabaseSetupError {
  readonly directory: string;
  readonly pid: number | undefined;
  readonly url: string | undefined;

  constructor(directory: string, holder: { pid?: number | undefined; url?: string | undefined }) {
    const who = holder.pid === undefined ? '' : ` (process ${holder.pid})`;
    const where = holder.url === undefined ? '' : ` at ${holder.url}`;
    super(`A gateway${who} is already running${where} on ${directory}`);
    this.directory = directory;
    this.pid = holder.pid;
    this.url = holder.url;
  }
}

/** A migration that the database has run is not the one in the directory. */
export class MigrationEditedError extends DatabaseSetupError {
  readonly migration: string;

  constructor(migration: string) {
    super(
      `Migration ${migration} was edited after it had been applied: restore the file and write a new migration instead`,
    );
    this.migration = migration;
  }
}

/** A migration cannot be applied. What it had done was rolled back with it. */
export class MigrationFailedError extends DatabaseSetupError {
  readonly migration: string;

  constructor(migration: string, reason: string, options?: ErrorOptions) {
    super(`Migration ${migration} failed: ${reason}`, options);
    this.migration = migration;
  }
}

/** The database lacks migrations of this build, and the start was told to apply none. */
export class MigrationsMissingError extends DatabaseSetupError {
  constructor(names: readonly string[]) {
    const [first = ''] = names;
    const which = names.length === 1 ? `migration ${first}` : `${names.length} migrations, from ${first} on`;
    super(`The database lacks ${which}: run \`npm run migrate\`, or start with TENDER_MIGRATE=on`);
  }
}
