/** How to reach a database, in the form that `pg` takes. `host` may be a socket's directory. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}
